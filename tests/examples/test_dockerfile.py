"""The Dockerfile: what a linter says of it, and what makes it fit for production."""

import re
import subprocess

from tests.examples.deploying import DEPLOY, SCRIPTS, documents
from tests.examples.image import DOCKERFILE, instructions, last


def values(keyword: str) -> list[str]:
    """Of all instructions of a kind."""
    return [one.value for one in instructions() if one.keyword == keyword]


def test_a_linter_finds_nothing() -> None:
    """Whatever its severity, and no rule is switched off."""
    done = subprocess.run(
        [SCRIPTS / "hadolint", "--no-color", "--failure-threshold", "style", DOCKERFILE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", 0) == (done.stdout, done.returncode)
    assert "hadolint ignore" not in DOCKERFILE.read_text()


def test_images_are_pinned() -> None:
    """By major and minor version, here and in compose.yaml: whatever `latest` is today."""
    services = documents("compose.yaml")[0]["services"].values()
    images = [value.partition(" AS ")[0] for value in values("FROM")]
    images += [service["image"] for service in services if "build" not in service]

    assert [] == [image for image in images if not re.fullmatch(r"[a-z]+:\d+\.\d+(?:-[a-z]+)?", image)]


def test_it_is_nobody_and_a_number() -> None:
    """Which Kubernetes can tell from root, and which is that of all other files."""
    pod = documents("kubernetes/deployment.yaml")[0]["spec"]["template"]["spec"]["securityContext"]
    apps = [documents("compose.yaml")[0]["services"][name]["user"] for name in ("app-1", "app-2")]

    assert "10001:10001" == last("USER").value
    assert (10001, 10001) == (pod["runAsUser"], pod["runAsGroup"])
    assert ["10001:10001"] * 2 == apps


def test_signals_arrive() -> None:
    """No shell stands between them and the gateway."""
    assert ["gatekeeper"] == last("ENTRYPOINT").words
    assert ["serve", "-c", "/etc/gatekeeper/gateway.yaml"] == last("CMD").words
    assert "SIGTERM" == last("STOPSIGNAL").value


def test_the_last_stage_has_no_sources() -> None:
    """What it is made of comes from the stage before, without a compiler or a cache."""
    kept = instructions()
    second = [index for index, one in enumerate(kept) if one.keyword == "FROM"][1]

    assert ["--from=build /opt/gatekeeper /opt/gatekeeper"] == [
        one.value for one in kept[second:] if one.keyword == "COPY"
    ]


def test_the_build_sees_what_it_copies_only() -> None:
    """Each name that is let in is one that is copied: no secret and no history can get into a layer."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    copied = {name.strip("/") for value in values("COPY") for name in value.split()[:-1] if "--" not in value}

    assert "*" == rules[0]
    assert copied == {rule.removeprefix("!") for rule in rules if rule.startswith("!")}


def test_it_holds_no_secret() -> None:
    """Neither arguments of the build nor variables: both can be read from the image."""
    assert [] == values("ARG")
    assert [] == [value for value in values("ENV") if re.search(r"(?i)key|token|secret|password", value)]
