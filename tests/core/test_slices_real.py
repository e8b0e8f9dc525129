"""A real control plane: the cluster's own endpointslice controller lists what we list, and takes what we write."""

import pytest

from sgportal.core.closure import Closure
from sgportal.core.places import places
from sgportal.core.pods import pod_view
from sgportal.core.service import described
from sgportal.core.slices import Refusal, sentinel_number, wanted
from sgportal.core.units import NodeView
from sgportal.core.writing import writes

pytestmark = pytest.mark.kubernetes

KEY = "kubernetes.io/hostname"
CORE = "/api/v1/namespaces/mirrored"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/mirrored/endpointslices"
MERGE = "application/merge-patch+json"
PORTS = [
    {"name": "http", "port": 80, "targetPort": "http", "appProtocol": "http"},
    {"name": "side", "port": 81, "targetPort": "side"},
    {"name": "plain", "port": 82, "targetPort": 8000, "protocol": "UDP"},
]
SIDECAR = {"name": "s", "image": "x", "restartPolicy": "Always", "ports": [{"name": "side", "containerPort": 7}]}


def make_pod(plane, name, node, port=8080, finalizers=(), **spec):
    container = {"name": "c", "image": "x", "ports": [{"name": "http", "containerPort": port}]}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web"}, "finalizers": list(finalizers)},
        "spec": {"nodeName": node, "containers": [container], **spec},
    }
    plane.request("POST", f"{CORE}/pods", body)


@pytest.fixture
def world(control_plane):
    """A Service `web` and pods of every kind; the pods settled."""
    plane = control_plane
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mirrored"}}
    plane.request("POST", "/api/v1/namespaces", namespace)
    make_pod(plane, "named", "node0", hostname="h0", subdomain="web")
    make_pod(plane, "other-port", "node1", 9090)
    make_pod(plane, "on-host", "node2", 8081, hostNetwork=True, initContainers=[SIDECAR])
    make_pod(plane, "going", "node0", finalizers=["example.com/stay"])
    make_pod(plane, "done", "node1", restartPolicy="Never")
    service = {"selector": {"app": "web"}, "ports": PORTS}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"team": "shop"}}}
    plane.request("POST", f"{CORE}/services", {**body, "spec": service})
    plane.wait(lambda: all(pod.ready for pod in pods(plane)), 20, "the pods are ready")
    plane.request("PATCH", f"{CORE}/pods/done/status", {"status": {"phase": "Succeeded"}}, content=MERGE)
    plane.request("DELETE", f"{CORE}/pods/going")
    yield plane
    plane.request("PATCH", f"{CORE}/pods/going", {"metadata": {"finalizers": None}}, content=MERGE)
    plane.request("DELETE", "/api/v1/namespaces/mirrored")


def pods(plane):
    return [pod_view(body) for body in plane.request("GET", f"{CORE}/pods")["items"]]


def live(plane):
    return plane.request("GET", f"{SLICES}?labelSelector=kubernetes.io/service-name%3Dweb")["items"]


def decided(plane, slices=()):
    nodes = [
        NodeView(body["metadata"]["name"], body["metadata"]["labels"])
        for body in plane.request("GET", "/api/v1/nodes")["items"]
    ]
    service = described(plane.request("GET", f"{CORE}/services/web"), Closure("strict"), KEY)
    return wanted(service, places(nodes, KEY), pods(plane), Refusal({"IPv4": "10.0.0.200"}), slices).slices


def told(slices):
    """What is said of each endpoint, but for hints and whose slice it is."""
    found = []
    for each in slices:
        labels = {k: v for k, v in each["metadata"]["labels"].items() if not k.endswith("/managed-by")}
        ports = sorted((p["name"], p["port"], p["protocol"], p.get("appProtocol")) for p in each["ports"] or ())
        for endpoint in each["endpoints"] or ():
            shown = {k: v for k, v in endpoint.items() if k != "hints"}
            found.append([each["addressType"], ports, labels, each["metadata"]["ownerReferences"], shown])
    return sorted(found, key=str)


def test_we_list_what_the_clusters_own_controller_lists_and_it_lets_ours_be(world):
    def agree():
        mine, theirs = ([s for s in found if not sentinel_number(s)] for found in (decided(world), live(world)))
        return len(told(mine)) == 4 and told(mine) == told(theirs)

    world.wait(agree, 20, "both list the same")
    for each in decided(world):
        world.request("POST", SLICES, each)
    stored = live(world)
    assert writes(stored, decided(world, stored)) == ()
    assert sum(bool(sentinel_number(each)) for each in stored) == 1
