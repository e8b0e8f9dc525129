"""The API servers under contract: the embedded one and a real one. Every test here runs on both, unchanged, unless it
says `embedded_only`."""

import itertools
import os
import signal
import time
from pathlib import Path

import orjson
import pytest
import urllib3
from kubernetes import client, config

from embedded_cluster import EmbeddedCluster
from sgportal.cluster.crds import DEFINITIONS

JSON = {"content_type": "application/json-patch+json"}
MERGE = {"content_type": "application/merge-patch+json"}
STRATEGIC = {"content_type": "application/strategic-merge-patch+json"}
APPLY = {"content_type": "application/apply-patch+yaml"}
_numbers = itertools.count(1)


def pytest_generate_tests(metafunc):
    """Run on both clusters, or on the embedded one alone where only that can be told to do what the test needs."""
    if "server" in metafunc.fixturenames:
        alone = metafunc.definition.get_closest_marker("embedded_only")
        real = [] if alone else [pytest.param("real", marks=pytest.mark.kubernetes)]
        metafunc.parametrize("server", ["embedded", *real], indirect=True, scope="session")


class Answer:
    """Status, body (parsed), headers."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = orjson.loads(response.data) if response.data[:1] in (b"{", b"[") else response.data.decode()

    def __repr__(self):
        return f"{self.status} {self.body}"


class Server:
    """Raw requests, as any client makes them."""

    def __init__(self, kubeconfig: Path, embedded: EmbeddedCluster | None):
        settings = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=settings)
        self.kubeconfig, self.embedded = kubeconfig, embedded
        self.host = settings.host
        self.authorization = settings.auth_settings().get("BearerToken", {}).get("value", "")
        self.pool = urllib3.PoolManager(
            ca_certs=settings.ssl_ca_cert, cert_file=settings.cert_file, key_file=settings.key_file, maxsize=8
        )

    def open(
        self, method, path, body=None, content_type="application/json", accept="application/json", token=None, **options
    ):
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": "contract/1"}
        authorization = self.authorization if token is None else f"Bearer {token}" if token else ""
        if authorization:
            headers["Authorization"] = authorization
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        return self.pool.request(
            method, self.host + path, body=data, headers=headers, retries=False, **{"timeout": 30.0, **options}
        )

    def __call__(self, method, path, body=None, **options):
        return Answer(self.open(method, path, body, **options))

    def until(self, check, seconds=75.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := check():
                return found
            time.sleep(0.05)
        raise AssertionError("it did not happen in time")

    def watch(self, path, seconds=2, enough=None, **options):
        """The events of a watch that the server is asked to end after so many seconds; or until they are `enough`,
        which they have to be in the long time of `until`."""
        seconds = 75 if enough else seconds
        address = f"{path}{'&' if '?' in path else '?'}watch=true&timeoutSeconds={seconds}"
        response = self.open("GET", address, preload_content=False, **{"timeout": seconds + 10.0, **options})
        events = []
        for line in _lines(response):
            events.append(orjson.loads(line))
            if enough and enough(events):
                response.close()
                return events
        response.release_conn()
        assert not enough, f"these are not enough: {events}"
        return events


def _lines(response):
    rest = b""
    for part in response.stream(2**16):
        *lines, rest = (rest + part).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest


class Embedded(Server):
    """The embedded cluster."""

    def forget(self):
        """Forget the history of all objects."""
        self.embedded.compact()

    def trouble(self, node):
        """Let a node say that it is not Ready."""
        self.embedded.set_node_ready(node, False)

    def heal(self, node):
        self.embedded.set_node_ready(node, True)


class Real(Server):
    """A real cluster."""

    def __init__(self, plane):
        super().__init__(plane.kubeconfig(), None)
        self.plane = plane

    def forget(self):
        """Forget the history of all objects, as etcd does every few minutes (told by its JSON gateway, on the client
        port), and the API server when it starts again."""
        put = self.etcd("kv/put", {"key": "eA==", "value": "eA=="})
        self.etcd("kv/compaction", {"revision": put["header"]["revision"], "physical": True})
        self.plane.processes["kube-apiserver"].stop(signal.SIGKILL)
        self.plane.processes["kube-apiserver"].start()
        self.plane.until_ready()
        self.pool.clear()

    def trouble(self, node):
        """Let a node say that it is not Ready, as its kubelet would: it vanishes, and says so with its last word."""
        self._vanish(node, "true")
        condition = {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "contract"}
        status = {"status": {"conditions": [condition]}}
        assert self("PATCH", f"/api/v1/nodes/{node}/status", status, **STRATEGIC).status == 200

    def heal(self, node):
        self._vanish(node, None)

    def _vanish(self, node, value):
        body = {"metadata": {"annotations": {"test.sgportal.example/vanished": value}}}
        assert self("PATCH", f"/api/v1/nodes/{node}", body, **MERGE).status == 200

    def etcd(self, path, body):
        answer = self.pool.request("POST", f"{self.plane.etcd}/v3/{path}", body=orjson.dumps(body))
        assert answer.status == 200, answer.data
        return orjson.loads(answer.data)


@pytest.fixture(scope="session")
def embedded_server():
    with EmbeddedCluster("walkthrough") as embedded:
        yield Embedded(embedded.kubeconfig_path, embedded)


@pytest.fixture(scope="session")
def real_server(control_plane):
    """With our definitions from the first: its garbage collector learns of new kinds every 30 seconds only."""
    server = Real(control_plane)
    install(server)
    return server


def install(server):
    """Have our definitions served."""
    for definition in DEFINITIONS:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
        answer = server("PATCH", f"{path}?fieldManager=contract&force=true&fieldValidation=Strict", definition, **APPLY)
        assert answer.status in (200, 201), answer
    server.until(lambda: server("GET", "/apis/superedge.io/v1/deploymentgrids").status == 200)


@pytest.fixture(scope="session")
def server(request):
    """Both clusters in turn."""
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def namespace(server):
    """A namespace of the test's own, gone afterwards."""
    name = f"contract-{os.getpid()}-{next(_numbers)}"
    assert server("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).status == 201
    yield name
    server("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def maps(namespace):
    """The path of the namespace's ConfigMaps, the plainest of objects."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


@pytest.fixture
def apps(namespace):
    """The path of the namespace's workloads."""
    return f"/apis/apps/v1/namespaces/{namespace}"


@pytest.fixture
def deployments(apps):
    """The path of the namespace's Deployments."""
    return f"{apps}/deployments"


def a_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {}}


def a_deployment(name="web", image="img:1", replicas=0, **metadata):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": image, "env": [{"name": "A", "value": "1"}]}]},
            },
        },
    }
