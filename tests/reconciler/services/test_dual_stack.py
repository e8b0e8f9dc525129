"""ServiceGrids of both address families on a real control plane, from the grid to the proof: each family has endpoints,
sentinels and an answer of its own."""

import signal

import pytest

from sgportal.core.names import NO_NODE, REFUSING_SERVICE
from sgportal.queries.endpoints import endpoints_of
from sgportal.reconciler.cache import refresh
from tests.kube.control_plane import ControlPlane

from ..real import as_product
from ..watching import until
from ..world import seed
from .test_keeper import SERVICE, a_keeper, slices

pytestmark = [pytest.mark.real_only, pytest.mark.kubernetes, pytest.mark.timeout(240)]
MERGE = "application/merge-patch+json"
# The slices of each family: pods, zones, and node2, which no pod serves.
FOUR, SIX = ({f"{family}{kind}" for kind in ("units1", "refuse1", "refuse2")} for family in ("v4", "v6"))
REFUSING = f"/api/v1/namespaces/sgportal/services/{REFUSING_SERVICE}"


@pytest.fixture(scope="module")
def dual_cluster(dual_stack_plane: ControlPlane):
    with as_product(dual_stack_plane) as real:
        yield real


@pytest.fixture
def server(dual_cluster, cluster_kind):
    """The cluster of both families in place of the other."""
    dual_cluster.clean()
    return dual_cluster


@pytest.fixture
def grids(world):
    """Unit a (node0, node1) has two pods with addresses of both families; node2 is in no unit."""
    for node in ("node0", "node1"):
        world.label(node, zone1="a")
    grid = seed("deploymentgrid")
    grid["spec"]["template"]["replicas"] = 2
    world.save(grid)
    world.until_ready("deploymentgrid-demo-a")
    for index, pod in enumerate(pods(world)):
        six = f"fd00:9::{index + 1}"
        status = {"podIPs": [{"ip": pod["status"]["podIP"]}, {"ip": six}]}
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/status"
        world.server.plane.request("PATCH", path, {"status": status}, content=MERGE)
    return world


def pods(world):
    return world.cluster.list("Pod", "default").items


def a_service(**spec):
    manifest = seed("servicegrid")
    manifest["spec"]["template"] |= spec
    return manifest


def listed(world):
    """Of each slice the family, the addresses of its endpoints, and the nodes they name."""
    return {
        name.removeprefix(f"{SERVICE}-"): (
            body["addressType"],
            sorted(each["addresses"][0] for each in body["endpoints"]),
            sorted({hint["name"] for each in body["endpoints"] for hint in each["hints"]["forNodes"]} - {NO_NODE}),
        )
        for name, body in slices(world).items()
    }


def proved(world, grid):
    """Of each node its state and the addresses it reaches, by the slices in the cluster."""
    world.look()
    refresh.relist("endpointslices", world.cluster)
    reach = endpoints_of(grid)
    assert reach.observed
    return {each.node: (each.state, sorted(e.address for e in each.endpoints)) for each in reach.nodes}


@pytest.mark.parametrize("order", [["IPv4", "IPv6"], ["IPv6", "IPv4"]], ids=["four first", "six first"])
def test_both_families_are_kept_and_proved(grids, order):
    grid = grids.save(a_service(ipFamilyPolicy="RequireDualStack", ipFamilies=order))
    live = grids.get(SERVICE, "Service")["spec"]
    assert (live["ipFamilies"], "selector" in live) == (order, False)
    four = sorted(each["status"]["podIP"] for each in pods(grids))
    with a_keeper(grids.cluster) as keeper:
        until(lambda: len(listed(grids)) == 6)
        refusing = grids.cluster.get("Service", "sgportal", REFUSING_SERVICE)["spec"]["clusterIPs"]
        assert listed(grids) == {
            "v4units1": ("IPv4", four, ["node0", "node1"]),
            "v6units1": ("IPv6", ["fd00:9::1", "fd00:9::2"], ["node0", "node1"]),
            "v4refuse1": ("IPv4", [refusing[0]], []),
            "v6refuse1": ("IPv6", [refusing[1]], []),
            "v4refuse2": ("IPv4", [refusing[0]], ["node2"]),
            "v6refuse2": ("IPv6", [refusing[1]], ["node2"]),
        }
        assert keeper.metrics.failed == 0
    every = [*four, "fd00:9::1", "fd00:9::2"]
    assert proved(grids, grid) == {"node0": ("closed", every), "node1": ("closed", every), "node2": ("refusing", [])}


def test_a_family_that_no_pod_has_an_address_of_is_told_and_one_that_the_service_lacks_is_not(grids):
    for pod in pods(grids):
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/status"
        status = {"podIPs": [{"ip": pod["status"]["podIP"]}]}
        grids.server.plane.request("PATCH", path, {"status": status}, content=MERGE)
    grid = grids.save(a_service(ipFamilyPolicy="PreferDualStack"))
    with a_keeper(grids.cluster):
        until(lambda: set(listed(grids)) == FOUR | SIX - {"v6units1"})
        assert proved(grids, grid)["node0"][0] == "closed"
        assert [str(each.family) for each in endpoints_of(grid).nodes[0].refused] == ["IPv6"]
        grid = grids.save(a_service(ipFamilyPolicy="SingleStack"))
        until(lambda: set(listed(grids)) == FOUR)
    assert proved(grids, grid)["node0"][0] == "closed"
    assert endpoints_of(grid).nodes[0].refused == ()


def test_one_family_alone_may_be_the_second(grids):
    grid = grids.save(a_service(ipFamilies=["IPv6"]))
    with a_keeper(grids.cluster):
        until(lambda: len(listed(grids)) == 3)
    assert set(listed(grids)) == SIX
    assert proved(grids, grid)["node0"] == ("closed", ["fd00:9::1", "fd00:9::2"])


def test_a_second_family_comes_and_goes_under_the_keepers_eyes(grids):
    grids.save(a_service())
    with a_keeper(grids.cluster):
        until(lambda: set(listed(grids)) == FOUR)
        grids.save(a_service(ipFamilyPolicy="PreferDualStack"))
        until(lambda: set(listed(grids)) == FOUR | SIX)
        grids.save(a_service(ipFamilyPolicy="SingleStack"))
        until(lambda: set(listed(grids)) == FOUR)


def restarted(plane, *arguments):
    """The API server ends and begins again with these arguments more."""
    server = plane.processes["kube-apiserver"]
    server.stop(signal.SIGKILL)
    server.arguments.extend(arguments)
    server.start()
    plane.until_ready()


def test_a_refusing_service_made_when_the_cluster_had_one_family_gets_the_other(grids):
    """The API server gives a second address only where two are required, to a Service that was made with one."""
    plane = grids.server.plane
    restarted(plane, "--service-cluster-ip-range=10.96.0.0/16")
    grids.save(a_service(ipFamilyPolicy="PreferDualStack"))
    with a_keeper(grids.cluster):
        until(lambda: set(listed(grids)) == FOUR)
    restarted(plane, "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/108")
    assert len(plane.request("GET", REFUSING)["spec"]["clusterIPs"]) == 1
    grids.save(a_service(ipFamilyPolicy="RequireDualStack"))
    with a_keeper(grids.cluster):
        until(lambda: set(listed(grids)) == FOUR | SIX)
        second = plane.request("GET", REFUSING)["spec"]["clusterIPs"][1]
        assert listed(grids)["v6refuse1"][1] == [second]


def test_a_refusing_service_that_somebody_took_an_address_from_gets_it_again(grids):
    grids.save(a_service(ipFamilyPolicy="RequireDualStack"))
    plane = grids.server.plane
    with a_keeper(grids.cluster):
        until(lambda: len(listed(grids)) == 6)
        plane.request("PATCH", REFUSING, {"spec": {"ipFamilyPolicy": "SingleStack"}}, content=MERGE)
        until(lambda: len(plane.request("GET", REFUSING)["spec"]["clusterIPs"]) == 2)
        second = plane.request("GET", REFUSING)["spec"]["clusterIPs"][1]
        until(lambda: listed(grids).get("v6refuse1", ("", []))[1] == [second])
        until(lambda: len(listed(grids)) == 6)
