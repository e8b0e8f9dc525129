"""What becomes of the volume claims of a StatefulSetGrid, on a real control plane: its own controllers decide that."""

import pytest

from sgportal.core.text import Invalid
from sgportal.models import GridUnit

from ..world import a_grid, a_template

pytestmark = pytest.mark.real_only
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def stateful(size="1Gi", **spec):
    """A StatefulSetGrid whose pods have a claim each; its workloads go with the last node at once."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    template = {
        **a_template(replicas=2),
        "serviceName": "db-svc",
        "podManagementPolicy": "Parallel",
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
        **spec,
    }
    return {**a_grid("db", template=template, orphanPolicy="delete"), "kind": "StatefulSetGrid"}


@pytest.fixture
def claims(world):
    """The names of the claims there are, those that are on their way out aside."""

    def names():
        found = world.server.plane.request("GET", CLAIMS)["items"]
        return {each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]}

    yield names
    world.server.plane.request("DELETE", CLAIMS)


def test_claims_outlive_a_unit_unless_the_template_says_otherwise(world, claims):
    for node, unit in (("node0", "a"), ("node1", "b")):
        world.label(node, zone=unit)
    grid = world.save(stateful())
    world.until(lambda: claims() == {f"data-db-{unit}-{number}" for unit in "ab" for number in (0, 1)})
    world.until_at_rest()  # what the API server adds to claims is no difference

    world.label("node1", zone=None)
    world.settle()
    world.until(lambda: world.names("StatefulSet") == ["db-a"])
    gone = {"data-db-b-0", "data-db-b-1"}
    assert gone <= claims()

    kept = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    world.change(grid, lambda manifest: manifest["spec"]["template"].update(persistentVolumeClaimRetentionPolicy=kept))
    world.label("node1", zone="b")
    world.settle()
    world.until(lambda: world.get("db-b", "StatefulSet")["status"].get("replicas") == 2)
    world.change(grid, lambda manifest: manifest["spec"]["template"].update(replicas=1))
    world.until(lambda: claims() == {"data-db-a-0", "data-db-b-0"})
    world.look()
    world.label("node1", zone=None)
    world.settle()
    world.until(lambda: claims() == {"data-db-a-0"})


def test_what_a_statefulset_cannot_change_is_refused_before_it_is_stored(world, claims):
    world.label("node0", zone="a")
    grid = world.save(stateful())
    world.look()
    with pytest.raises(Invalid) as refused:
        world.save(stateful("2Gi"))
    assert [each.pointer for each in refused.value.problems] == ["/spec/template/volumeClaimTemplates"]
    grid.refresh_from_db()
    assert grid.generation == 1
    assert GridUnit.objects.get(name="a").reason != "ImmutableField"
