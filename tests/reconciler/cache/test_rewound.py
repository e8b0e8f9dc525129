"""etcd is restored from a snapshot: versions and generations begin again from there, and the cluster is right."""

from typing import Any

import pytest

from sgportal.core.names import MANAGED_BY, SLICE_MANAGER
from sgportal.models import Grid, Node, WorkKey

from ..services.test_keeper import a_keeper, reached
from ..watching import a_watch, unit_of, until
from ..world import World, a_grid, seed

pytestmark = pytest.mark.embedded_only
OURS = f"{MANAGED_BY}={SLICE_MANAGER}"


def test_what_was_undone_is_seen_and_so_is_what_happens_next(world: World) -> None:
    world.label("node0", zone="a")
    with a_watch(world.cluster):
        until(lambda: unit_of("node0") == "a")
        kept = world.embedded.kept()
        for value in "bcdefgh":
            world.embedded.call(lambda value=value: _relabel(world, "node0", value))
        until(lambda: unit_of("node0") == "h")
        world.embedded.rewind(kept)
        until(lambda: unit_of("node0") == "a")
        world.embedded.call(lambda: _relabel(world, "node1", "b"))  # at a version below those seen before
        until(lambda: unit_of("node1") == "b")
        assert Node.objects.count() == 3


def _relabel(world: World, node: str, value: str) -> None:
    store = world.embedded.store
    body = store.get("nodes", "", node)
    assert body is not None
    metadata = body["metadata"]
    store.put("nodes", {**body, "metadata": {**metadata, "labels": {**metadata["labels"], "zone": value}}})


def test_another_spec_of_the_same_generation_is_taken_in(world: World) -> None:
    world.label("node0", zone="a")
    grid = world.save(a_grid())
    world.until_ready("g-a")  # what controllers still wrote would count versions up to those seen before
    kept = world.embedded.kept()
    _edit(world, 5)
    with a_watch(world.cluster):
        until(lambda: _taken_in(world, grid, 5))
        world.cluster.apply(a_grid("later"))  # seen by the watch alone, at a version that no edit from here reaches
        until(lambda: WorkKey.objects.filter(key="deploymentgrids/default/later"))
        world.embedded.unreachable(True)
        world.embedded.rewind(kept)
        _edit(world, 7)
        body = world.embedded.call(lambda: world.embedded.store.get("deploymentgrids.superedge.io", "default", "g"))
        assert body is not None
        assert body["metadata"]["generation"] == grid.cluster_generation
        world.embedded.unreachable(False)
        until(lambda: Grid.objects.filter(pk=grid.pk, cluster_generation=0))
        until(lambda: _taken_in(world, grid, 7))


def _taken_in(world: World, grid: Grid, replicas: int) -> bool:
    """A grid is due for much; that it was edited is known once the watch has seen that."""
    world.settle()
    grid.refresh_from_db()
    return bool(grid.spec["template"]["replicas"] == replicas)


def _edit(world: World, replicas: int) -> None:
    """As kubectl would, also where the port is closed."""

    def put() -> None:
        store = world.embedded.store
        body: dict[str, Any] = dict(store.get("deploymentgrids.superedge.io", "default", "g") or {})
        metadata = {**body["metadata"], "generation": body["metadata"]["generation"] + 1}
        spec = {**body["spec"], "template": {**body["spec"]["template"], "replicas": replicas}}
        store.put("deploymentgrids.superedge.io", {**body, "metadata": metadata, "spec": spec})

    world.embedded.call(put)


def test_slices_are_kept_right_at_versions_below_those_seen_before(world: World) -> None:
    for number, unit in enumerate(("nodeunit1", "nodeunit2", "nodeunit2")):
        world.label(f"node{number}", zone1=unit)
    world.save(seed("deploymentgrid"), seed("servicegrid"))
    world.until_ready("deploymentgrid-demo-nodeunit1", "deploymentgrid-demo-nodeunit2")
    with a_keeper(world.cluster):
        until(lambda: reached(world).get("node0") == {"node0"})
        until(lambda: {"node1", "node2"} <= reached(world).keys())
        before, kept = reached(world), world.embedded.kept()
        for unit in ("nodeunit2", "nodeunit1", "nodeunit2"):
            world.label("node0", zone1=unit)
            until(lambda unit=unit: ("node0" in reached(world).get("node1", ())) == (unit == "nodeunit2"))
        world.embedded.rewind(kept)
        until(lambda: reached(world) == before)
        world.label("node1", zone1="nodeunit1")
        until(lambda: "node1" in reached(world).get("node0", ()))
