"""A real control plane: the cluster's own endpointslice controller lists what we list, and takes what we write."""

from itertools import count

import pytest

from sgportal.core.traffic.proof.proxy import PortName, effective
from sgportal.core.traffic.slices.sentinels import sentinel_number
from sgportal.core.traffic.slices.write_order import writes

from ..mirrored import CORE, MERGE, NAMESPACE, SLICES, Mirrored, conditions, numbers

pytestmark = pytest.mark.kubernetes

READY, UNREADY, ENDING, ENDED = (True, True, False), (False, False, False), (False, True, True), (False, False, True)
STAY = ["example.com/stay"]
HTTP = {"name": "http", "port": 80, "targetPort": "http"}
VANISHED = "test.sgportal.example/vanished"  # see tests/kube/node.go
_serial = count()


@pytest.fixture(scope="module")
def plane(dual_stack_plane):
    """Three nodes: node0 and node1 in zones, node2 in none."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    dual_stack_plane.request("POST", "/api/v1/namespaces", namespace)
    for node in ("node0", "node1"):
        zone = {"topology.kubernetes.io/zone": f"zone-of-{node}"}
        dual_stack_plane.request("PATCH", f"/api/v1/nodes/{node}", {"metadata": {"labels": zone}}, content=MERGE)
    yield dual_stack_plane
    for pod in dual_stack_plane.request("GET", f"{CORE}/pods")["items"]:
        if pod["metadata"].get("finalizers"):
            path = f"{CORE}/pods/{pod['metadata']['name']}"
            dual_stack_plane.request("PATCH", path, {"metadata": {"finalizers": None}}, content=MERGE)
    dual_stack_plane.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}")


@pytest.fixture
def web(plane):
    """A Service of the test's own to be, and its pods."""
    return Mirrored(plane, f"web{next(_serial)}")


def test_what_an_endpoint_says_of_its_pod(web):
    web.service()
    web.pod("a", "node0", hostname="h0", subdomain=web.name)
    web.pod("b", "node2", hostname="h1", subdomain="other")
    found = web.agreed("a", "b")
    pod = web.seen(f"{web.name}-a")
    assert found["a"]["endpoint"] == {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "hostname": "h0",
        "nodeName": "node0",
        "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": f"{web.name}-a", "uid": pod["metadata"]["uid"]},
        "zone": "zone-of-node0",
    }
    assert {"zone", "hostname"}.isdisjoint(found["b"]["endpoint"])
    assert [each["controller"] for each in found["a"]["owners"]] == [True]


def test_readiness_that_flips(web):
    web.service()
    web.pod("a")
    web.pod("b", ready=False)
    found = web.agreed("a", "b")
    assert [conditions(found[each]) for each in "ab"] == [READY, UNREADY]
    web.change(f"{web.name}-a", metadata={"annotations": {"test.sgportal.example/unready": "true"}})
    web.change(f"{web.name}-b", metadata={"annotations": {"test.sgportal.example/unready": None}})
    web.plane.wait(lambda: conditions(web.agreed("a", "b")["b"]) == READY, 10, "readiness flipped")
    assert conditions(web.agreed("a", "b")["a"]) == UNREADY


def test_a_readiness_gate_that_is_not_met(web):
    web.service()
    web.pod("a", ready=False, readinessGates=[{"conditionType": "example.com/gate"}])
    web.condition(f"{web.name}-a", "ContainersReady", "True")
    web.condition(f"{web.name}-a", "example.com/gate", "False")
    assert conditions(web.agreed("a")["a"]) == UNREADY


@pytest.mark.parametrize("published", [False, True])
def test_pods_that_end(web, published):
    """Those that still answer, and those that do not; kube-proxy turns to the first where none is ready."""
    web.service(publishNotReadyAddresses=published)
    for name, ready in (("answers", True), ("silent", False)):
        web.pod(name, ready=ready, finalizers=STAY)
    web.agreed("answers", "silent")
    for name in ("answers", "silent"):
        web.delete(f"{web.name}-{name}")
    web.plane.wait(lambda: all(conditions(e)[2] for e in web.agreed("answers", "silent").values()), 10, "they end")
    found = web.agreed("answers", "silent")
    assert conditions(found["answers"]) == (published, True, True)
    assert conditions(found["silent"]) == (published, False, True)


def test_where_every_pod_ends_those_that_answer_are_used_as_ever_unless_the_loop_is_closed(web):
    web.service()
    web.pod("answers", finalizers=STAY)
    web.pod("silent", ready=False, finalizers=STAY)
    for name in ("answers", "silent"):
        web.delete(f"{web.name}-{name}")
    web.plane.wait(lambda: all(conditions(e)[2] for e in web.agreed("answers", "silent").values()), 10, "they end")
    answers = web.seen(f"{web.name}-answers")["status"]["podIP"]
    for node in web.nodes():
        for slices in (web.live(), web.ours("prefer"), web.foreseen()):
            assert [each.address for each in effective(slices, node, PortName(""))] == [answers]
        assert [each.address for each in effective(web.ours("strict"), node, PortName(""))] == ["10.96.0.200"]


def test_addresses_that_are_published_before_they_are_ready(web):
    web.service(publishNotReadyAddresses=True)
    web.pod("a", ready=False)
    web.pod("b")
    found = web.agreed("a", "b")
    assert [conditions(found[each]) for each in "ab"] == [(True, False, False), READY]
    web.edit(spec={"publishNotReadyAddresses": False})
    web.plane.wait(lambda: conditions(web.agreed("a", "b")["a"]) == UNREADY, 10, "it is published no more")


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("published", [False, True])
def test_pods_that_are_done(web, phase, published):
    web.service(publishNotReadyAddresses=published)
    web.pod("done", restartPolicy="Never", finalizers=STAY)
    web.pod("gone", restartPolicy="Never", finalizers=STAY)
    web.pod("runs")
    web.agreed("done", "gone", "runs")
    for name in ("done", "gone"):
        web.says(f"{web.name}-{name}", phase=phase)
    web.delete(f"{web.name}-gone")
    web.agreed("runs")


@pytest.mark.parametrize("published", [False, True])
def test_pods_without_a_node_or_on_one_that_nobody_knows(web, published):
    """An address of theirs is told only where what is not ready is published."""
    web.service(publishNotReadyAddresses=published)
    for name, node in (("nowhere", ""), ("elsewhere", "no-such-node")):
        pod = web.pod(name, node, settled=False, schedulerName="nobody")
        web.addressed(pod, f"10.9.0.{len(name)}")
    web.pod("runs")
    found = web.agreed("runs", *(["nowhere", "elsewhere"] if published else []))
    if published:
        assert "nodeName" not in found["nowhere"]["endpoint"]
        assert found["elsewhere"]["endpoint"]["nodeName"] == "no-such-node"
        assert conditions(found["nowhere"]) == (True, False, False)


def test_a_pod_that_has_no_address_yet(web):
    web.service(publishNotReadyAddresses=True)
    pod = web.pod("later", "", settled=False, schedulerName="nobody")
    web.pod("runs")
    web.agreed("runs")
    web.addressed(pod, "10.9.0.99")
    web.agreed("later", "runs")


def test_a_pod_whose_address_changes(web):
    web.service()
    pod = web.pod("a")
    web.agreed("a")
    web.addressed(pod, "10.9.1.1")
    web.plane.wait(lambda: web.agreed("a")["a"]["endpoint"]["addresses"] == ["10.9.1.1"], 10, "the new address")


def test_pods_that_share_the_address_of_their_host(web):
    web.service()
    for name, port in (("a", 8080), ("b", 8081)):
        web.pod(name, "node1", ports=[{"name": "http", "containerPort": port, "hostPort": port}], hostNetwork=True)
    found = web.agreed("a", "b")
    assert found["a"]["endpoint"]["addresses"] == found["b"]["endpoint"]["addresses"]


def test_a_label_that_takes_a_pod_out_and_lets_it_in_again(web):
    web.service()
    pod = web.pod("a")
    web.pod("b")
    web.agreed("a", "b")
    web.change(pod, metadata={"labels": {"app": "other"}})
    web.agreed("b")
    web.change(pod, metadata={"labels": {"app": web.name}})
    web.agreed("a", "b")


def test_a_selector_of_two_labels_and_one_that_changes(web):
    web.service(selector={"app": web.name, "tier": "front"})
    web.pod("a", labels={"tier": "front"})
    web.pod("b", labels={"tier": "back"})
    web.pod("c")
    web.agreed("a")
    web.edit(spec={"selector": {"tier": "back"}})
    web.agreed("b")


def test_ports_by_name_are_found_on_each_pod_and_its_sidecars(web):
    ports = [HTTP, {"name": "side", "port": 81, "targetPort": "side"}, {"name": "plain", "port": 82}]
    web.service(ports)
    side = {"name": "s", "image": "x", "ports": [{"name": "side", "containerPort": 7}]}
    web.pod("a")
    web.pod("b", ports=[{"name": "http", "containerPort": 9090}])
    web.pod("sidecar", initContainers=[{**side, "restartPolicy": "Always"}])
    web.pod("init", initContainers=[side])
    web.pod("both", ports=[{"name": "side", "containerPort": 70}], initContainers=[{**side, "restartPolicy": "Always"}])
    found = web.agreed("a", "b", "sidecar", "init", "both")
    assert {name: numbers(each) for name, each in found.items()} == {
        "a": {"http": 8080, "plain": 82},
        "b": {"http": 9090, "plain": 82},
        "sidecar": {"http": 8080, "side": 7, "plain": 82},
        "init": {"http": 8080, "plain": 82},
        "both": {"side": 70, "plain": 82},
    }


def test_a_pod_that_has_none_of_the_ports_is_listed_without_any(web):
    web.service([HTTP])
    web.pod("a")
    web.pod("none", ports=[{"name": "other", "containerPort": 1}])
    found = web.agreed("a", "none")
    assert (numbers(found["a"]), numbers(found["none"])) == ({"http": 8080}, {})


def test_protocols_are_told_apart(web):
    dns = [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 54}]
    web.service(
        [
            {"name": "udp", "port": 53, "protocol": "UDP", "targetPort": "dns"},
            {"name": "tcp", "port": 53, "targetPort": "dns"},
            {"name": "sctp", "port": 9, "protocol": "SCTP", "targetPort": 9, "appProtocol": "kubernetes.io/h2c"},
        ]
    )
    web.pod("a", ports=dns)
    web.pod("b", ports=[{"name": "dns", "containerPort": 55}])
    found = web.agreed("a", "b")
    assert [numbers(found[each]) for each in "ab"] == [{"udp": 53, "sctp": 9}, {"tcp": 55, "sctp": 9}]
    assert found["a"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"


def test_ports_of_the_service_that_are_added_renamed_and_taken_away(web):
    web.service([HTTP])
    web.pod("a")
    assert numbers(web.agreed("a")["a"]) == {"http": 8080}
    for ports, expected in (
        ([HTTP, {"name": "plain", "port": 81, "targetPort": 8000}], {"http": 8080, "plain": 8000}),
        ([{**HTTP, "name": "web"}, {"name": "plain", "port": 81}], {"web": 8080, "plain": 81}),
        ([{"port": 81, "targetPort": 8000, "protocol": "UDP"}], {"": 8000}),
    ):
        web.edit(spec={"ports": ports})
        web.plane.wait(lambda wanted=expected: numbers(web.agreed("a")["a"]) == wanted, 10, f"{expected}")


def test_labels_of_the_service_are_on_its_slices_but_for_those_that_slices_keep_to_themselves(web):
    reserved = {
        "kubernetes.io/service-name": "other",
        "endpointslice.kubernetes.io/managed-by": "other",
        "service.kubernetes.io/headless": "",
    }
    web.service(labels={"team": "shop", **reserved})
    web.pod("a")
    assert web.agreed("a")["a"]["labels"] == {"team": "shop", "kubernetes.io/service-name": web.name}
    web.edit(metadata={"labels": {"team": None, "tier": "front"}})
    expected = {"tier": "front", "kubernetes.io/service-name": web.name}
    web.plane.wait(lambda: web.agreed("a")["a"]["labels"] == expected, 10, "the new labels")


@pytest.mark.parametrize("ports", [None, []])
def test_a_headless_service_marks_its_slices(web, ports):
    web.service(clusterIP="None")
    if ports is not None:
        web.edit(spec={"ports": ports})
    web.pod("a", hostname="h", subdomain=web.name)
    assert web.agreed("a")["a"]["labels"] == {
        "kubernetes.io/service-name": web.name,
        "service.kubernetes.io/headless": "",
    }


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ({"ipFamilyPolicy": "SingleStack"}, ["IPv4"]),
        ({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"ipFamilyPolicy": "PreferDualStack"}, ["IPv4", "IPv6"]),
        ({"ipFamilyPolicy": "RequireDualStack"}, ["IPv4", "IPv6"]),
        ({"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}, ["IPv4", "IPv6"]),
        ({"ipFamilyPolicy": "RequireDualStack", "clusterIP": "None"}, ["IPv4", "IPv6"]),
    ],
    ids=["one", "six", "prefer", "both", "both, six first", "headless"],
)
def test_address_families(web, spec, families):
    """Each family lists the pods that have an address of it, whichever of a pod's addresses is its first."""
    web.service(**spec)
    web.addressed(web.pod("four-first"), "10.9.2.1", "fd00:9::1")
    web.addressed(web.pod("six-first", "node1"), "fd00:9:0:0:0:0:0:2", "10.9.2.2")
    web.addressed(web.pod("four"), "10.9.2.3")
    web.addressed(web.pod("six"), "fd00:9::4")
    expected = {"IPv4": ["four-first", "six-first", "four"], "IPv6": ["four-first", "six-first", "six"]}
    suffix = {"IPv4": "", "IPv6": "/IPv6"}
    found = web.agreed(*(name + suffix[family] for family in families for name in expected[family]))
    if "IPv6" in families:
        assert found["six-first/IPv6"]["endpoint"]["addresses"] == ["fd00:9::2"]


def test_a_service_that_gets_a_second_family_and_gives_it_back(web):
    web.service()
    web.addressed(web.pod("a"), "10.9.3.1", "fd00:9:3::1")
    web.agreed("a")
    web.edit(spec={"ipFamilyPolicy": "PreferDualStack"})
    web.agreed("a", "a/IPv6")
    web.edit(spec={"ipFamilyPolicy": "SingleStack"})
    web.agreed("a")


def test_hundreds_of_endpoints_that_no_single_slice_can_hold(web):
    web.service()
    names = [f"p{i:03}" for i in range(130)]
    for index, name in enumerate(names):
        web.pod(name, f"node{index % 3}", settled=False)
    web.agreed(*names)
    assert max(len(each["endpoints"]) for each in web.ours()) <= 100


def test_a_zone_that_changes_is_told(web):
    """The cluster's own controller tells it with the next change of the Service only, we at once."""
    web.service()
    web.pod("a", "node2")
    web.agreed("a")
    path = "/api/v1/nodes/node2"
    for zone in ("moved", None):
        change = {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}}
        web.plane.request("PATCH", path, change, content=MERGE)
        web.edit(metadata={"labels": {"touched": str(zone)}})
        web.plane.wait(lambda wanted=zone: web.agreed("a")["a"]["endpoint"].get("zone") == wanted, 10, "the zone")


def test_the_api_server_takes_what_we_write_as_it_is_and_the_clusters_controller_lets_it_be(web):
    web.service([HTTP, {"name": "plain", "port": 81, "protocol": "UDP"}], ipFamilyPolicy="RequireDualStack")
    web.addressed(web.pod("a"), "10.9.4.1", "fd00:9:4::1")
    web.addressed(web.pod("b", "node1", ports=[{"name": "http", "containerPort": 9090}]), "10.9.4.2", "fd00:9:4::2")
    web.agreed("a", "b", "a/IPv6", "b/IPv6")
    for each in web.ours():
        web.plane.request("POST", SLICES, each)
    web.agreed("a", "b", "a/IPv6", "b/IPv6")
    stored = web.live()
    assert writes(stored, web.ours(live=stored)) == ()
    sentinels = [each for each in stored if sentinel_number(each)]
    assert sorted(each["addressType"] for each in sentinels) == ["IPv4", "IPv4", "IPv6", "IPv6"], "of zones, of nodes"
