"""What is known of a closed loop, and what is not, is said alike at every door: the conditions of the row and of the
custom resource, the metric, REST, the overview and the page."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from sgportal.core.names import SERVICE_NAME
from sgportal.core.traffic.proof.proof import STATES
from sgportal.dashboard.page.tags import truth_word
from sgportal.models import Grid, Node, Pod
from sgportal.queries.endpoints import endpoints_of
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.grids.reconcile import POD_NOT_SEEN_SECONDS, reconcile
from sgportal.reconciler.queue import workqueue
from tests import builders
from tests.builders import one_line

from ..watching import until
from ..world import seed
from .agents import agents
from .test_keeper import SERVED, a_keeper, closed, reached

__all__ = ["agents", "closed"]
NAME = "servicegrid-demo"
PATH = f"servicegrids/default/{NAME}"
SERVICE = f"{NAME}-svc"
WRAPPER = ("application-grid-wrapper-node", "superedge.io/application-grid-wrapper:v0.8.2")


def a_service(closure=None, **template):
    """The walk-through's ServiceGrid, changed."""
    manifest = seed("servicegrid")
    manifest["spec"]["template"] |= template
    if closure:
        manifest["spec"]["closure"] = {"mode": closure}
    return manifest


def look(world):
    """Let the mirror see everything there is, and every grid say what that comes to."""
    refresh.relist("endpointslices", world.cluster)
    world.resync()


def counts(**states):
    return {state: states.get(state, 0) for state in STATES}


def said(world):
    """What each door says, which is to be the same: Closed and Refusing with their reasons, and the count of nodes by
    state."""
    viewer = Client(headers={"host": "localhost"})
    viewer.force_login(User.objects.filter(username="vic").first() or builders.a_person("vic", "viewer"))
    row = Grid.objects.get(name=NAME, kind="ServiceGrid")
    rest = viewer.get(f"/api/v1/{PATH}").json()["status"]
    resource = world.get(NAME, "ServiceGrid")["status"]
    nodes = viewer.get(f"/api/v1/{PATH}/endpoints").json()["items"]
    told = {name: _conditions(status) for name, status in (("row", row.status), ("rest", rest), ("kubectl", resource))}
    told["page"] = _on_the_page(viewer)
    assert all(each == told["row"] for each in told.values()), told
    by_state = counts(**{state: sum(each["state"] == state for each in nodes) for state in STATES})
    numbers = {
        "row": row.status["nodes"],
        "kubectl": resource["nodes"],
        "metric": _metric(viewer),
        "rest": by_state,
        "page": _chips(viewer),
    }
    assert all(each == by_state for each in numbers.values()), numbers
    _cells_agree(viewer, nodes)
    return told["row"], {state: count for state, count in by_state.items() if count}


def _conditions(status):
    found = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    return found["Closed"], found["Refusing"]


def _on_the_page(viewer):
    text = one_line(viewer.get(f"/grids/{PATH}/").content.decode())
    found = re.findall(r"<dt>(Closed|Refusing)</dt><dd><b>(\w+)</b>.*?<small>(\w+)</small>", text, re.S)
    with translation.override("en"):
        assert {truth_word(truth) for _, truth, _ in found} == {truth for _, truth, _ in found}
    by_name = {name: (truth, reason) for name, truth, reason in found}
    return by_name["Closed"], by_name["Refusing"]


def _chips(viewer):
    text = one_line(viewer.get(f"/grids/{PATH}/").content.decode())
    found = re.findall(r'<a class="chip" href="\?state=(\w+)">.*?(\d+)</a>', text, re.S)
    return counts(**{state: int(count) for state, count in found})


def _metric(viewer):
    text = viewer.get("/metrics").content.decode()
    found = re.findall(rf'sgportal_closure_nodes{{namespace="default",servicegrid="{NAME}",state="(\w+)"}} (\d+)', text)
    return {state: int(count) for state, count in found}


def _cells_agree(viewer, nodes):
    """Each site in the overview is as bad as its worst node."""
    key = Grid.objects.get(name=NAME, kind="ServiceGrid").key
    cells = [each for each in viewer.get(f"/api/v1/overview?group={key}").json()["cells"] if each["grid"] == PATH]
    for cell in cells:
        own = [each for each in nodes if each["unit"] == cell["unit"]]
        assert (cell["nodes"], cell["served"]) == (len(own), sum(each["state"] in ("closed", "open") for each in own))
        worst = min(own, key=lambda each: STATES.index(each["state"]))
        assert cell["reason"] == worst["code"]
    assert {each["unit"] for each in nodes} - {""} == {each["unit"] for each in cells}


@pytest.fixture
def pods(world):
    """The walk-through's workload on two sites, without a Service."""
    world.label("node0", zone1="nodeunit1")
    world.label("node1", zone1="nodeunit2")
    world.label("node2", zone1="nodeunit2")
    world.save(seed("deploymentgrid"))
    world.until_ready("deploymentgrid-demo-nodeunit1", "deploymentgrid-demo-nodeunit2")
    return world


def seen(world, name=SERVICE):
    """The mirror once the cluster's own controller, or ours, has written slices for the Service."""
    selector = f"{SERVICE_NAME}={name}"
    until(
        lambda: any(
            each.get("endpoints")
            for each in world.cluster.list("EndpointSlice", "default", label_selector=selector).items
        )
    )
    look(world)


def test_headless_is_false_and_says_what_it_does_not_do(pods):
    pods.save(a_service(clusterIP="None"))
    seen(pods)
    assert said(pods) == ((("False", "Headless"), ("False", "Headless")), {"open": 3})
    sentences = {each["type"]: each["message"] for each in pods.get(NAME, "ServiceGrid")["status"]["conditions"]}
    assert "past every proxy" in sentences["Closed"]
    assert "nothing keeps" in sentences["Ready"]


def test_wrapper_without_the_wrapper_is_unknown(pods):
    pods.save(a_service("wrapper"))
    seen(pods)
    unknown = ("Unknown", "FilterNotSeen")
    assert said(pods) == ((unknown, unknown), {"unknown": 3})


def test_the_wrapper_counts_on_the_nodes_where_it_runs_and_is_ready(pods, agents):
    pods.save(a_service("wrapper"))
    for node in ("node0", "node1"):
        agents.run(*WRAPPER, node)
    seen(pods)
    until(lambda: look(pods) or Node.objects.proxied_views()[1].agents)
    assert said(pods) == ((("Unknown", "FilterNotSeen"),) * 2, {"closed": 2, "unknown": 1})
    agents.run(*WRAPPER, "node2")
    until(lambda: look(pods) or said(pods)[1] == {"closed": 3})
    assert said(pods)[0] == (("True", "NothingLeaves"), ("False", "EveryUnitServed"))
    agents.end()
    until(lambda: look(pods) or said(pods)[1] == {"unknown": 3})


def test_behind_the_wrapper_too_where_an_endpoint_is_is_believed_of_pods_alone(pods, agents):
    """Somebody's slice says that a pod of another NodeUnit is on this node, and the filter passes it on."""
    pods.save(a_service("wrapper"))
    for node in ("node0", "node1", "node2"):
        agents.run(*WRAPPER, node)
    seen(pods)
    until(lambda: look(pods) or said(pods)[1] == {"closed": 3})
    (own,) = pods.cluster.list("EndpointSlice", "default", label_selector=f"{SERVICE_NAME}={SERVICE}").items
    here = next(each for each in own["endpoints"] if each["nodeName"] == "node0")
    away = next(each for each in own["endpoints"] if each["nodeName"] != "node0")
    metadata = {"name": f"{SERVICE}-guest", "namespace": "default", "labels": {SERVICE_NAME: SERVICE}}
    pods.cluster.apply({**own, "metadata": metadata, "endpoints": [{**here, "addresses": away["addresses"]}]})
    until(lambda: look(pods) or said(pods)[1] == {"leaking": 1, "closed": 2})
    assert said(pods)[0][0] == ("False", "LeakingEndpoint")


def test_a_service_that_was_never_made_is_unknown(pods):
    taken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE, "namespace": "default"}}
    pods.cluster.apply({**taken, "spec": {"selector": {"app": "other"}, "ports": [{"port": 80}]}})
    pods.save(a_service("strict"))
    look(pods)
    unknown = ("Unknown", "ServiceNotOwned")
    assert said(pods) == ((unknown, unknown), {"unknown": 3})
    assert Grid.objects.get(kind="ServiceGrid").state == "Blocked"


def test_a_service_of_which_nothing_was_observed_is_unknown(pods):
    pods.save(a_service("strict"))  # and no keeper runs that would write its slices
    look(pods)
    unknown = ("Unknown", "EndpointSlicesNotSeen")
    assert said(pods) == ((unknown, unknown), {"unknown": 3})


def test_kept_and_refusing(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        look(closed)
        assert said(closed) == ((("True", "NothingLeaves"), ("False", "EveryUnitServed")), {"closed": 3})
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))
        look(closed)
        expected = (("True", "NothingLeaves"), ("True", "UnitWithoutEndpoint"))
        assert said(closed) == (expected, {"refusing": 1, "closed": 2})
        assert Grid.objects.get(kind="ServiceGrid").units.get(name="nodeunit1").state == "Degraded"


@pytest.mark.parametrize(
    ("hints", "states"),
    [
        ({}, {"leaking": 3}),
        ({"forNodes": [{"name": "node0"}], "forZones": [{"name": "elsewhere"}]}, {"leaking": 1, "closed": 2}),
    ],
    ids=["bare", "hinted"],
)
def test_a_strangers_slice_leaks_hinted_or_not(closed, hints, states):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        endpoint = {"addresses": ["192.0.2.7"], "conditions": {"ready": True}, **({"hints": hints} if hints else {})}
        metadata = {"name": "by-hand", "namespace": "default", "labels": {SERVICE_NAME: SERVICE}}
        ports = [{"name": "", "port": 80, "protocol": "TCP"}]
        kind = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4"}
        closed.cluster.apply({**kind, "metadata": metadata, "endpoints": [endpoint], "ports": ports})
        look(closed)
        (closed_, _), by_state = said(closed)
        assert (closed_, by_state) == (("False", "LeakingEndpoint"), states)
        found = {each["type"]: each for each in Grid.objects.get(kind="ServiceGrid").status["conditions"]}
        assert (found["ForeignSlices"]["status"], found["Ready"]["status"]) == ("True", "False")
        assert "by-hand" in found["ForeignSlices"]["message"]
        closed.cluster.delete("EndpointSlice", "default", "by-hand")
        look(closed)
        assert said(closed)[1] == {"closed": 3}


@pytest.mark.parametrize(
    ("address", "pod", "closed_", "states"),
    [
        ("192.0.2.7", {}, ("False", "LeakingEndpoint"), {"leaking": 1, "closed": 2}),
        ("192.0.2.7", {"uid": "gone"}, ("Unknown", "PodNotSeen"), {"unknown": 1, "closed": 2}),
        ("node1's pod", {}, ("False", "LeakingEndpoint"), {"leaking": 1, "closed": 2}),
    ],
    ids=["nobody", "gone", "another unit's"],
)
def test_a_slice_in_our_clothes_is_not_believed_while_no_keeper_runs(closed, address, pod, closed_, states):
    """It carries our label and owner, and says that its endpoint is on the very node that it names."""
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
    ours = closed.cluster.list("EndpointSlice", "default", label_selector=f"{SERVICE_NAME}={SERVICE}").items
    pattern = next(each for each in ours if "units" in each["metadata"]["name"])
    pods = {each["nodeName"]: each for each in pattern["endpoints"]}
    forged = {**pods["node0"], "addresses": [address] if address != "node1's pod" else pods["node1"]["addresses"]}
    forged["targetRef"] = {**forged["targetRef"], **pod}
    metadata = {key: pattern["metadata"][key] for key in ("namespace", "labels", "ownerReferences")}
    body = {**pattern, "metadata": {**metadata, "name": f"{SERVICE}-v4units99"}, "endpoints": [forged]}
    closed.cluster.apply(body)
    look(closed)
    found, by_state = said(closed)
    assert (found[0], by_state) == (closed_, states)


def test_an_endpoint_whose_pod_was_last_seen_without_an_address_is_unknown_and_looked_at_soon(closed):
    """The watch of slices may be ahead of that of pods."""
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
    look(closed)
    Pod.objects.filter(node="node0", namespace="default").update(ips=[])
    grid = Grid.objects.get(kind="ServiceGrid")
    assert {each.node: each.reason for each in endpoints_of(grid).nodes if each.state == "unknown"} == {
        "node0": "PodNotSeen"
    }
    workqueue.enqueue([grid.path])
    with workqueue.acquire(grid.path) as lease:
        assert reconcile(grid, closed.cluster, lease) == POD_NOT_SEEN_SECONDS


def test_a_node_is_judged_by_its_own_kube_proxy_whatever_its_kubelets_version(closed, agents):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        agents.run("kube-proxy", "registry.k8s.io/kube-proxy:v1.30.4", "node0")
        until(lambda: look(closed) or said(closed)[1] == {"leaking": 1, "unknown": 2})  # these have none
        proof = Grid.objects.get(kind="ServiceGrid").status["conditions"]
        assert any("kube-proxy v1.30.4 ignores hints for nodes" in each["message"] for each in proof)
