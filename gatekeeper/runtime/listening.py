"""From what a configuration says of its listeners to how they speak."""

import hashlib
import ssl
from pathlib import Path
from typing import Final

import attrs

from gatekeeper.config.model import ListenerConfig
from gatekeeper.config.problems import Place, Problem, problem_at
from gatekeeper.config.tls import TlsConfig
from gatekeeper.edge.tls import ClientCertificates, ServerTls, build_server_tls
from gatekeeper.runtime.keep import Plan


_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


def listener_tls(plan: Plan, name: str, config: ListenerConfig) -> ServerTls | Problem | None:
    """How a listener speaks TLS: as before, where neither the settings nor the files have changed; None where it does not."""
    tls = config.tls
    if tls is None:
        return None
    try:
        content = tuple(digest(file) for file in _files(tls))
        found: ServerTls = plan(("listener tls", name), lambda _: _build(tls), (tls, content))
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        place = config.place if config.place.path else Place(path=("server", "listen", name))
        return problem_at("bad-value", attrs.evolve(place, path=(*place.path, "tls")), why(error))
    return found


def _files(tls: TlsConfig) -> list[str]:
    files = [file for one in tls.certificates for file in (one.certificate, one.key)]
    return files if tls.client is None else [*files, tls.client.ca]


def _build(tls: TlsConfig) -> ServerTls:
    clients = tls.client
    return build_server_tls(
        [(Path(one.certificate), Path(one.key)) for one in tls.certificates],
        min_version=_VERSIONS[tls.min_version],
        clients=ClientCertificates(Path(clients.ca), clients.mode == "required") if clients else None,
    )


def why(error: OSError | ValueError) -> str:
    """What is wrong with the files of TLS, in words."""
    if isinstance(error, OSError):
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        reason = reason.lower().replace("_", " ")
    else:
        reason = str(error)
    return f"the files of `tls` cannot be used: {reason}"


def digest(file: str | None) -> str:
    """What a file holds, so that a new certificate under an old name is another one."""
    return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest() if file is not None else ""
