"""The manifests: by the schemas of Kubernetes, by what belongs together in them, and by what their gateways answer."""

import hashlib
import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from gatekeeper.cli.serve import _workers
from tests.cli.running import PATIENCE, Gatekeeper, run
from tests.examples.deploying import DEPLOY, Moved, documents
from tests.examples.image import instructions, last


FOLDER = DEPLOY / "kubernetes"
VERSIONS = ("1.30", kubernetes_validate.latest_version().removesuffix(".0"))
"""The oldest one that has all that is used, and the newest that is known."""
TOKEN = "of-prometheus"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
LABEL = {"app.kubernetes.io/name": "gatekeeper"}


def kustomization() -> dict[str, Any]:
    """What is applied."""
    found: dict[str, Any] = documents("kubernetes/kustomization.yaml")[0]
    return found


def manifests() -> list[dict[str, Any]]:
    """All documents that the kustomization applies."""
    return [one for name in kustomization()["resources"] for one in documents(f"kubernetes/{name}")]


def manifest(kind: str, name: str = "gatekeeper") -> dict[str, Any]:
    """The one of a kind, by its name."""
    (found,) = [one for one in manifests() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod() -> dict[str, Any]:
    """The pod of the deployment."""
    found: dict[str, Any] = manifest("Deployment")["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    """Its only container."""
    (found,) = pod()["containers"]
    assert isinstance(found, dict)
    return found


def moved(folder: Path) -> Moved:
    """The configuration of the gateways, with a token."""
    return Moved("kubernetes/gateway.yaml", folder, also={"${METRICS_TOKEN_SHA256}": DIGEST})


# ---- what is written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", manifests(), ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_takes_it(document: dict[str, Any], version: str) -> None:
    """Without one field that it does not know."""
    assert version == kubernetes_validate.validate(document, version, strict=True)


def test_a_mistake_would_be_seen() -> None:
    """The schemas are strict: a field of another place is refused."""
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest("Service") | {"replicas": 2}, VERSIONS[-1], strict=True)


def test_every_file_is_applied() -> None:
    """But for the one that needs an operator, which is named in a comment."""
    text = (FOLDER / "kustomization.yaml").read_text()
    used = {*kustomization()["resources"], *kustomization()["configMapGenerator"][0]["files"]}

    assert used | {"kustomization.yaml", "servicemonitor.yaml"} == {one.name for one in FOLDER.iterdir()}
    assert "# - servicemonitor.yaml" in text


def test_the_configuration_is_mounted_where_it_is_read() -> None:
    """As a folder, under the name that the command of the image has."""
    (generated,) = kustomization()["configMapGenerator"]
    mount, tmp = container()["volumeMounts"]
    folder, _, name = last("CMD").words[-1].rpartition("/")

    assert pod()["volumes"][0]["configMap"]["name"] == generated["name"]
    assert (folder, [name]) == (mount["mountPath"], generated["files"])
    assert "subPath" not in mount
    assert "/tmp" == tmp["mountPath"]


def test_everybody_finds_the_pods() -> None:
    """By the one label that they have."""
    spec = manifest("Deployment")["spec"]
    monitor = documents("kubernetes/servicemonitor.yaml")[0]["spec"]

    assert LABEL == spec["template"]["metadata"]["labels"]
    assert [LABEL] * 6 == [
        spec["selector"]["matchLabels"],
        pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
        manifest("Service")["spec"]["selector"],
        manifest("Service", "gatekeeper-admin")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert manifest("Service", "gatekeeper-admin")["metadata"]["labels"] == monitor["selector"]["matchLabels"]


def test_it_can_do_nothing_but_serve() -> None:
    """Not root, nothing that can be written, no right, and no token of Kubernetes."""
    own = container()["securityContext"]

    assert pod()["securityContext"]["runAsNonRoot"]
    assert {"type": "RuntimeDefault"} == pod()["securityContext"]["seccompProfile"]
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == own
    assert pod()["automountServiceAccountToken"] is False


def test_there_are_always_as_many_as_there_should_be() -> None:
    """While it is updated, and while nodes are emptied."""
    spec = manifest("Deployment")["spec"]

    assert (2, 0) == (spec["replicas"], spec["strategy"]["rollingUpdate"]["maxUnavailable"])
    assert manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] < spec["replicas"]


def test_the_admin_port_stays_inside() -> None:
    """No service that is reached from outside has it, and monitoring alone may come."""
    public = manifest("Service")["spec"]
    clients, admin = manifest("NetworkPolicy")["spec"]["ingress"]

    assert ["http"] == [port["targetPort"] for port in public["ports"]]
    assert "None" == manifest("Service", "gatekeeper-admin")["spec"]["clusterIP"]
    assert [{"port": "http"}] == clients["ports"]
    assert [{"port": "admin"}] == admin["ports"]
    assert [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}] == (
        admin["from"]
    )


# ---- what belongs together ------------------------------------------------------------------------------------------


def test_a_drain_has_time(tmp_path: Path) -> None:
    """Before Kubernetes kills: for what comes before it, and for all of it."""
    before = container()["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert before + moved(tmp_path).load().server.drain < pod()["terminationGracePeriodSeconds"]


def test_a_drain_is_not_taken_for_a_death(tmp_path: Path) -> None:
    """The health is 503 in it, and the liveness probe has more patience than it takes."""
    probe = container()["livenessProbe"]

    assert moved(tmp_path).load().server.drain < probe["periodSeconds"] * probe["failureThreshold"]


def test_ports_are_those_of_the_configuration() -> None:
    """Of the manifest, of the image and of gateway.yaml."""
    written = documents("kubernetes/gateway.yaml")[0]
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    exposed = [int(one.value) for one in instructions() if one.keyword == "EXPOSE"]

    assert {"http": written["server"]["listen"], "admin": 9901} == ports
    assert "0.0.0.0:9901" == written["admin"]["listen"]
    assert exposed == [written["server"]["listen"]]


def test_workers_are_as_many_as_processors() -> None:
    """The variable is one that the command knows, and takes what the limit says."""
    (variable,) = [one for one in container()["env"] if "resourceFieldRef" in one.get("valueFrom", {})]
    limits = container()["resources"]["limits"]

    assert "GATEKEEPER_WORKERS" == variable["name"]
    assert {"resource": "limits.cpu", "divisor": "1"} == variable["valueFrom"]["resourceFieldRef"]
    assert 2 == _workers(limits["cpu"])


def test_the_token_comes_from_the_secret() -> None:
    """Its digest goes to the gateway, itself to Prometheus, out of one Secret."""
    (variable,) = [one for one in container()["env"] if "secretKeyRef" in one.get("valueFrom", {})]
    (endpoint,) = documents("kubernetes/servicemonitor.yaml")[0]["spec"]["endpoints"]

    assert f"${{{variable['name']}}}" in (FOLDER / "gateway.yaml").read_text()
    assert {"name": "gatekeeper-metrics", "key": "token_sha256"} == variable["valueFrom"]["secretKeyRef"]
    assert {"name": "gatekeeper-metrics", "key": "token"} == endpoint["authorization"]["credentials"]


# ---- what its gateways answer ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatekeeper]:
    """The gateway of a pod, with as many workers as its limit says."""
    folder = tmp_path_factory.mktemp("kubernetes")
    path = folder / "gateway.yaml"
    path.write_text(moved(folder).text)
    workers = container()["resources"]["limits"]["cpu"]
    with Gatekeeper("serve", "-c", str(path), env={"GATEKEEPER_WORKERS": workers}) as running:
        running.says('"listening"')
        yield running


@pytest.mark.parametrize("name", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_probes_are_answered(gateway: Gatekeeper, name: str) -> None:
    """At their paths, on the port that they name."""
    probe = container()[name]["httpGet"]

    assert "http" == probe["port"]
    assert 200 == gateway.get(probe["path"])[0]


@pytest.mark.parametrize(("token", "expected"), [(TOKEN, 200), ("guessed", 401), ("", 401)])
def test_metrics_are_for_who_has_the_token(gateway: Gatekeeper, token: str, expected: int) -> None:
    """At the path of the ServiceMonitor, and as it sends it."""
    (endpoint,) = documents("kubernetes/servicemonitor.yaml")[0]["spec"]["endpoints"]
    host, _, port = gateway.admin.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", endpoint["path"], headers=headers)
    status = connection.getresponse().status
    connection.close()

    assert expected == status


def test_the_token_changes_nothing(gateway: Gatekeeper) -> None:
    """It reads; to end the gateway takes another role."""
    done = run("drain", "--admin", f"http://{gateway.admin}", env={"GATEKEEPER_TOKEN": TOKEN})

    assert "gatekeeper: this needs the role `operator`, and `prometheus` is `viewer`\n" == done.stderr
