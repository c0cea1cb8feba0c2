"""The files of `examples/deploy`, as tests read them: their numbers, and their configurations on ports of this machine."""

import sysconfig
from pathlib import Path
from typing import Any, Final

import trustme
import yaml

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.units import parse_duration
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text
from tests.cli.running import free_ports
from tests.docs.readme import ROOT


DEPLOY: Final = ROOT / "examples" / "deploy"
SCRIPTS: Final = Path(sysconfig.get_path("scripts"))
"""Where the commands of what the tests need are installed."""
KEY: Final = "the-key-of-the-gateways"


def documents(name: str) -> list[Any]:
    """The YAML documents of a file."""
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def unit(name: str) -> dict[str, dict[str, list[str]]]:
    """The sections of a unit file, and of each directive its values in order."""
    sections: dict[str, dict[str, list[str]]] = {}
    directives: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        if line.startswith("["):
            directives = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            directives.setdefault(key, []).append(value)
    return sections


def seconds(text: str) -> float:
    """What a time is that is written as `45s`."""
    return parse_duration(text)


class Moved:
    """A configuration on free ports of this machine; or, where it is only read, on the ports that are `deployed`."""

    def __init__(
        self,
        name: str,
        folder: Path,
        *services: str,
        also: dict[str, str] | None = None,
        deployed: bool = False,
    ) -> None:
        self.port, self.admin, plain, *self.services = free_ports(3 + len(services))
        self.key: Final = folder / "gateway_key"
        self.key.write_text(f"{KEY}\n")
        self.key.chmod(0o644)
        text = (DEPLOY / name).read_text()
        addresses = {
            "listen: 8080": f'listen: "127.0.0.1:{self.port}"',
            "address: 443": f'address: "127.0.0.1:{self.port}"',
            "plain: 80": f'plain: "127.0.0.1:{plain}"',
            "0.0.0.0:9901": f"127.0.0.1:{self.admin}",
            "172.30.80.0/24": "127.0.0.1",
        }
        if "\nadmin:" not in text:
            addresses["version: 1\n"] = f'version: 1\nadmin: {{listen: "127.0.0.1:{self.admin}"}}\n'
        replaced = {
            **({} if deployed else addresses),
            "/run/secrets/gateway_key": str(self.key),
            **{old: f"127.0.0.1:{port}" for old, port in zip(services, self.services, strict=True)},
            **(also or {}),
        }
        for old, new in replaced.items():
            text = text.replace(old, new)
        self.text: Final = text

    def load(self) -> GatewayConfig:
        """What it says, in the long form."""
        return load_gateway_text(self.text, PluginHost([])).config


def shop(folder: Path) -> dict[str, str]:
    """What the configuration of the unit names, in a folder: a certificate and its key."""
    certificate = trustme.CA().issue_cert("shop.example.com")
    (folder / "shop.crt").write_bytes(certificate.cert_chain_pems[0].bytes())
    certificate.private_key_pem.write_to_path(str(folder / "shop.key"))
    (folder / "shop.key").chmod(0o600)
    return {
        "/etc/gatekeeper/tls/shop.crt": str(folder / "shop.crt"),
        "/run/credentials/gatekeeper.service/shop.key": str(folder / "shop.key"),
    }
