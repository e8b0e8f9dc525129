"""What is exported goes on without the portal: applied to what runs, it restarts no pod."""

import pytest

from sgportal.actions import delete_grid
from sgportal.core.names import GRID_SELECTOR
from sgportal.models import Grid
from sgportal.queries.per_unit.exports import exported

from ..world import ADA, APPLY, a_grid, a_template, as_manager


def pods(world):
    return sorted(each["metadata"]["uid"] for each in world.cluster.list("Pod", "default").items)


@pytest.mark.embedded_only
def test_workloads_go_on_by_their_exported_manifests(world):
    for node, unit in (("node0", "a"), ("node1", "b")):
        world.label(node, zone=unit)
    override = {"units": ["b"], "image": "img:2"}
    grid = world.save(a_grid("g", template=a_template(replicas=1), overrides=[override]))
    world.until_ready("g-a", "g-b")
    before = {name: (world.get(name)["metadata"]["uid"], world.get(name)["spec"]) for name in ("g-a", "g-b")}
    running = pods(world)

    (found,) = exported([grid])
    assert [each["metadata"]["name"] for each in found.manifests] == ["g-a", "g-b"]
    assert "superedge.io" not in str([each["metadata"] for each in found.manifests])
    delete_grid(grid, ADA, propagation="Orphan")
    world.settle()
    world.until(lambda: not Grid.objects.filter(name="g").exists() or world.settle())
    for manifest in found.manifests:
        as_manager(world.cluster, "kubectl", "Deployment", manifest["metadata"]["name"], manifest, APPLY)

    after = {name: (world.get(name)["metadata"]["uid"], world.get(name)["spec"]) for name in before}
    assert after == before
    assert pods(world) == running
    assert not any(world.get(name)["metadata"].get("ownerReferences") for name in before)
    assert all(GRID_SELECTOR in world.get(name)["metadata"]["labels"] for name in before)  # harmless, and left
