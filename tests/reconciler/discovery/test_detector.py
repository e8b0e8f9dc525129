"""The watch beside SuperEdge's controller: it looks for it before it reads anything else."""

from sgportal.cluster.crds import DEFINITIONS
from sgportal.core.superedge.controller import its_entries
from sgportal.models import ManagementMode, ResourceSync
from sgportal.reconciler.discovery import superedge

from ..watching import a_watch, until
from ..world import a_grid, a_template
from .superedge_stand_in import SuperEdge


def test_the_watch_installs_nothing_and_stops_writes_before_anything_is_read(world):
    for definition in DEFINITIONS:
        world.cluster.delete("CustomResourceDefinition", "", definition["metadata"]["name"])
    world.until(lambda: not world.cluster.serves("ServiceGrid"))
    edge = SuperEdge(world.cluster)
    edge.start()
    with a_watch(world.cluster, wait=False):
        until(lambda: ManagementMode.now().running)
        assert ManagementMode.now().read_only
        until(lambda: ResourceSync.objects.filter(resource="deploymentgrids", served=False).exists())
        edge.scale(0)
        until(lambda: ManagementMode.now().running is False)
        assert not world.cluster.serves("ServiceGrid")
        superedge.decide("managing", "ada")
        until(lambda: world.cluster.serves("ServiceGrid"))


def test_the_watch_recognises_superedge_by_what_it_writes(world):
    with a_watch(world.cluster):
        assert ManagementMode.now().may_write
        world.label("node0", zone="a")
        SuperEdge(world.cluster).sync(a_grid(template=a_template()), "a")
        until(lambda: ManagementMode.now().read_only)
        world.settle()
    assert its_entries(world.get("g-a")["metadata"])
    assert "status" not in world.get("g", "DeploymentGrid")
