"""An embedded cluster of the test's own, and raw requests to it."""

import pytest

from embedded_cluster import EmbeddedCluster
from tests.contract.conftest import Server, a_deployment

APPS = "/apis/apps/v1/namespaces/default"
CORE = "/api/v1/namespaces/default"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
MERGE = {"content_type": "application/merge-patch+json"}


@pytest.fixture
def server():
    """The three nodes of the walk-through."""
    with EmbeddedCluster("walkthrough") as embedded:
        yield Server(embedded.kubeconfig_path, embedded)


def pods(server, **labels):
    chosen = ",".join(f"{key}%3D{value}" for key, value in labels.items())
    return server("GET", f"{CORE}/pods?labelSelector={chosen}").body["items"]


def is_ready(pod):
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def deploy(server, name="web", replicas=2, wait=True, **spec):
    """A Deployment; its pods are Ready on return unless `wait` is False. `spec` adds to the pods' spec."""
    body = a_deployment(name, replicas=replicas)
    body["spec"]["template"]["spec"] |= spec
    made = server("POST", f"{APPS}/deployments", body)
    assert made.status == 201, made
    if wait:
        server.until(lambda: ready_replicas(server, name) == replicas)
    return made.body


def ready_replicas(server, name, kind="deployments"):
    return server("GET", f"{APPS}/{kind}/{name}").body.get("status", {}).get("readyReplicas", 0)
