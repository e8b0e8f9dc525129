"""The keeper over the wire: slices follow pods, what others do is repaired, and bad days lose and double nothing."""

import threading
import time
from contextlib import contextmanager

import pytest

from sgportal.core.names import CLOSURE, MANAGED_BY, REFUSING_SERVICE, SLICE_MANAGER, refusing_name
from sgportal.core.traffic.slices.sentinels import sentinel_number
from sgportal.queries.endpoints import endpoints_of
from sgportal.reconciler.endpoints.controller import EndpointController
from sgportal.reconciler.keeper_process import LeaderElection
from sgportal.reconciler.process import connection

from ..watching import QUICK, until
from ..world import seed

OURS = f"{MANAGED_BY}={SLICE_MANAGER}"
SERVICE = "servicegrid-demo-svc"


@contextmanager
def a_keeper(cluster, zones=()):
    """A keeper at work, until the block ends."""
    stop = threading.Event()
    keeper = EndpointController(lambda: cluster, lambda: cluster, "sgportal", QUICK, zones=zones)
    thread = threading.Thread(target=keeper.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        stop.set()
        thread.join(75)
        assert not thread.is_alive()


def slices(world):
    """Our slices by name."""
    return {each["metadata"]["name"]: each for each in world.cluster.list("EndpointSlice", label_selector=OURS).items}


def reached(world):
    """Node names → the nodes that hint at them, by the real endpoints."""
    found = {}
    for body in slices(world).values():
        for endpoint in (body["endpoints"] or ()) if not sentinel_number(body) else ():
            for hint in endpoint["hints"]["forNodes"]:
                found.setdefault(hint["name"], set()).add(endpoint.get("nodeName", ""))
    return found


SERVED = {"node0": {"node0"}, "node1": {"node1", "node2"}, "node2": {"node1", "node2"}}


@pytest.fixture
def closed(world):
    """The walk-through's grids, whose pods run."""
    world.label("node0", zone1="nodeunit1")
    world.label("node1", zone1="nodeunit2")
    world.label("node2", zone1="nodeunit2")
    world.save(seed("deploymentgrid"))
    world.save(seed("servicegrid"))
    world.until_ready("deploymentgrid-demo-nodeunit1", "deploymentgrid-demo-nodeunit2")
    return world


def test_slices_are_written_the_sentinel_first_and_then_left_alone(closed):
    with a_keeper(closed.cluster) as keeper:
        until(lambda: reached(closed) == SERVED)
        versions = {name: int(body["metadata"]["resourceVersion"]) for name, body in slices(closed).items()}
        assert min(versions, key=versions.get) == f"{SERVICE}-v4refuse1"
        refusing = closed.cluster.get("Service", "sgportal", REFUSING_SERVICE)
        assert "selector" not in refusing["spec"]
        sentinel = slices(closed)[f"{SERVICE}-v4refuse1"]
        assert sentinel["endpoints"][0]["addresses"] == [refusing["spec"]["clusterIP"]]
        closed.server.reset_counts()
        assert keeper.metrics.failed == 0
    with a_keeper(closed.cluster) as again:
        until(lambda: again.metrics.kept or again._look_at)
        assert again.metrics.written == 0
    assert closed.writes() == 0


def test_a_pod_that_goes_and_one_that_comes_change_the_slices(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 2}})
        until(lambda: reached(closed) == SERVED)


def test_a_node_that_changes_its_unit_is_served_by_the_new_one(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.label("node2", zone1="nodeunit1")
        until(lambda: "node0" in reached(closed).get("node2", ()))
        assert "node1" not in reached(closed)["node2"]


def test_a_port_that_only_a_sidecar_names_is_foreseen_on_the_page_and_kept(world):
    world.label("node0", zone1="a")
    grid, service = seed("deploymentgrid"), seed("servicegrid")
    side = {"name": "s", "image": "s:1", "restartPolicy": "Always", "ports": [{"name": "side", "containerPort": 7}]}
    grid["spec"]["template"]["template"]["spec"]["initContainers"] = [side]
    service["spec"]["template"]["ports"] = [{"port": 80, "targetPort": "side"}]
    world.save(grid)
    made = world.save(service)
    world.until_ready("deploymentgrid-demo-a")
    foreseen = {each.node: {e.port for e in each.endpoints} for each in endpoints_of(made).nodes}
    assert foreseen["node0"] == {7}
    with a_keeper(world.cluster):
        until(lambda: "node0" in reached(world))
        ports = {port["port"] for name, body in slices(world).items() if "units" in name for port in body["ports"]}
    assert ports == {7}


@pytest.mark.parametrize("what", ["edited", "deleted", "sentinel deleted", "refusing Service deleted"])
def test_what_others_do_to_slices_is_repaired(closed, what):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        name = next(each for each in slices(closed) if ("refuse" in each) == ("sentinel" in what))
        if what == "edited":
            closed.edit(name, {"endpoints": []}, "EndpointSlice")
        elif what.startswith("refusing"):
            closed.cluster.delete("Service", "sgportal", REFUSING_SERVICE)
        else:
            closed.cluster.delete("EndpointSlice", "default", name)

        def right():
            refusing = closed.cluster.get("Service", "sgportal", REFUSING_SERVICE)
            sentinel = slices(closed).get(f"{SERVICE}-v4refuse1")
            addresses = sentinel and sentinel["endpoints"][0]["addresses"]
            return reached(closed) == SERVED and refusing and addresses == [refusing["spec"]["clusterIP"]]

        until(right)


@pytest.mark.embedded_only
@pytest.mark.parametrize("begun", ["before", "meanwhile"])
def test_lists_without_items_by_mistake_take_no_endpoint(closed, begun):
    with a_keeper(closed.cluster) as keeper:
        until(lambda: reached(closed) == SERVED and not keeper._dirty)
        before = slices(closed)
        for resource in ("nodes", "pods", "services"):
            closed.embedded.faults.add("empty", verbs=["list"], resource=resource)
        if begun == "before":
            closed.embedded.compact()
            closed.embedded.faults.drop_watches()
            time.sleep(1.5)
            assert slices(closed) == before
    if begun == "meanwhile":
        with a_keeper(closed.cluster):
            time.sleep(1.5)
            assert slices(closed) == before
            closed.embedded.faults.clear()
            closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
            until(lambda: "node0" not in reached(closed))


@pytest.mark.embedded_only
@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "status", "code": 500},
        {"effect": "status", "code": 429, "retry_after": 1},
        {"effect": "status", "code": 409},
        {"effect": "truncate"},
        {"effect": "drop"},
    ],
    ids=lambda fault: str(fault.get("code", fault["effect"])),
)
def test_a_write_that_fails_is_tried_again_and_nothing_is_doubled(closed, fault):
    effect = fault.pop("effect")
    with a_keeper(closed.cluster) as keeper:
        until(lambda: reached(closed) == SERVED)
        methods = ["PUT", "POST", "DELETE"]
        closed.embedded.faults.add(effect, path="endpointslices", methods=methods, count=2, **fault)
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))
        until(lambda: keeper.metrics.failed >= 1)
        assert sorted(each for each in slices(closed) if "units" in each) == [f"{SERVICE}-v4units1"]


@pytest.mark.embedded_only
def test_watches_that_break_or_are_too_old_lose_nothing(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.embedded.faults.add("compact")
        closed.embedded.faults.drop_watches()
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))


def test_a_keeper_that_is_gone_for_a_while_puts_right_what_happened_meanwhile(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
    closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
    with a_keeper(closed.cluster):
        until(lambda: "node0" not in reached(closed))


def test_two_keepers_at_once_do_no_harm(closed):
    with a_keeper(closed.cluster), a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 2}})
        until(lambda: reached(closed) == SERVED)
        assert len(slices(closed)) == 2


def sentinels(world, kind):
    """What sentinels name, `forNodes` or `forZones`, by slice."""
    return {
        name.rpartition("-")[2]: {hint["name"] for each in body["endpoints"] for hint in each["hints"][kind]}
        for name, body in slices(world).items()
        if sentinel_number(body)
    }


def test_a_unit_without_a_ready_pod_is_named_by_sentinels_and_served_again(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        assert "v4refuse2" not in sentinels(closed, "forNodes")
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: sentinels(closed, "forNodes").get("v4refuse2") == {"node0"})
        closed.label("node0", **{"topology.kubernetes.io/zone": "heard-of"})
        until(lambda: "heard-of" in sentinels(closed, "forZones")["v4refuse1"])
        closed.label("node0", **{"topology.kubernetes.io/zone": None})
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 2}})
        until(lambda: reached(closed) == SERVED and "v4refuse2" not in sentinels(closed, "forNodes"))
    with a_keeper(closed.cluster) as again:
        until(lambda: again._look_at and not again._dirty)
        zones = sentinels(closed, "forZones")["v4refuse1"]
        assert {"", "nodeunit1", "nodeunit2", "heard-of"} <= zones, "a zone that some node had is remembered"


ZONES = [f"z{number:02}" for number in range(20)]


def all_named(world, slices_of_sentinels):
    """Whether sentinels name all of ZONES in so many slices, with addresses of refusing Services that are there."""
    live = [world.cluster.get("Service", "sgportal", refusing_name(number)) for number in (1, 2, 3)]
    bodies = [body for body in slices(world).values() if sentinel_number(body)]
    used = {address for body in bodies for each in body["endpoints"] for address in each["addresses"]}
    named = set().union(*sentinels(world, "forZones").values())
    return (
        used <= {each["spec"]["clusterIP"] for each in live if each}
        and named >= {"", "nodeunit1", *ZONES}
        and (len(bodies) == slices_of_sentinels)
    )


def test_more_zones_than_one_sentinel_names_take_more_addresses_not_more_slices(closed):
    with a_keeper(closed.cluster, ZONES):
        until(lambda: all_named(closed, 1) and reached(closed) == SERVED)
        closed.cluster.delete("Service", "sgportal", f"{REFUSING_SERVICE}-2")
        until(lambda: closed.cluster.get("Service", "sgportal", f"{REFUSING_SERVICE}-2") and all_named(closed, 1))
        assert reached(closed) == SERVED


@pytest.mark.embedded_only
def test_without_more_addresses_there_are_more_slices(closed):
    closed.embedded.faults.add("status", path=f"{REFUSING_SERVICE}-", methods=["PATCH"], code=422)
    with a_keeper(closed.cluster, ZONES):
        until(lambda: all_named(closed, 3) and reached(closed) == SERVED)


OPENED = {"metadata": {"annotations": {CLOSURE: None}}, "spec": {"selector": {"appGrid": "echo"}}}


@pytest.mark.real_only
def test_back_to_a_selector_our_slices_go_once_kubernetes_has_made_its_own(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.edit(SERVICE, OPENED, "Service")
        until(lambda: slices(closed) == {})
    own = f"kubernetes.io/service-name={SERVICE},{MANAGED_BY}=endpointslice-controller.k8s.io"
    assert closed.cluster.list("EndpointSlice", label_selector=own).items


@pytest.mark.embedded_only
def test_back_to_a_selector_our_slices_stay_until_the_clusters_own_are_there(closed):
    with a_keeper(closed.cluster):
        until(lambda: reached(closed) == SERVED)
        closed.edit(SERVICE, OPENED, "Service")
        own = {"kubernetes.io/service-name": SERVICE, MANAGED_BY: "endpointslice-controller.k8s.io"}
        body = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": []}
        metadata = {"name": f"{SERVICE}-abcde", "namespace": "default", "labels": own}
        assert len(slices(closed)) == 2
        closed.cluster.create({**body, "metadata": metadata, "ports": []})
        until(lambda: slices(closed) == {})


def test_one_of_two_processes_acts_and_the_other_takes_over(closed):
    stops = [threading.Event(), threading.Event()]
    turns = [LeaderElection(QUICK, lease_seconds=1.5) for _ in stops]
    threads = [
        threading.Thread(target=turn.run, args=(stop,), daemon=True) for turn, stop in zip(turns, stops, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        until(lambda: reached(closed) == SERVED)
        stops[0].set()
        threads[0].join(75)
        closed.edit("deploymentgrid-demo-nodeunit1", {"spec": {"replicas": 0}})
        until(lambda: "node0" not in reached(closed))
    finally:
        for stop in stops:
            stop.set()
        for thread in threads:
            thread.join(75)
        connection.disconnect()
