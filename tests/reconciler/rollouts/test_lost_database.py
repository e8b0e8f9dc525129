"""The database is lost, or restored from a backup of before, while a change reaches NodeUnits in waves: none that was
not reached gets it for that, and none that has it loses it."""

from io import BytesIO

import pytest
from django.apps import apps
from django.db.models import F

from sgportal.actions import approve, pin_units
from sgportal.cluster import MERGE_PATCH
from sgportal.core.names import DEPENDS_ON, PAUSED
from sgportal.core.plans.per_unit.layers import NotPossible
from sgportal.management import backup
from sgportal.models import Grid, GridEvent, GridUnit, ManagedCluster
from sgportal.queries.per_unit.effective import effective_of
from sgportal.reconciler.cache import enqueue, refresh
from sgportal.reconciler.grids.status import publish

from ..world import ADA, a_grid, a_template
from .test_waves import complete, give, images, is_at, seen, steer, three  # noqa: F401

pytestmark = pytest.mark.embedded_only


def written(world):
    """How often each workload was written."""
    return [world.get(f"g-{unit}")["metadata"]["generation"] for unit in "abc"]


def _lost(world):
    """The portal begins with an empty database and takes over what the cluster has."""
    for model in apps.get_app_config("sgportal").get_models():
        if model is not ManagedCluster:  # of which an empty database has one row, that knows nothing
            model.objects.all().delete()
    ManagedCluster().save(force_update=True)
    _taken_over(world)


def _restored(world, file):
    _put_back(file)
    _taken_over(world)


def _put_back(file):
    for label in backup.LEFT_OUT:
        if label.startswith("sgportal."):
            apps.get_model(label).objects.all().delete()
    backup.read(BytesIO(file), replace=True)


def _taken_over(world):
    world.look()
    for resource in ("deploymentgrids", "namespaces"):
        refresh.relist(resource, world.cluster)
    world.settle()
    world.resync()
    world.grid = Grid.objects.get(name="g")


def _backup():
    file = BytesIO()
    backup.write(file)
    return file.getvalue()


def test_a_change_under_way_reaches_nobody_sooner_when_the_database_is_lost(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    give(three, 2)
    assert images(three) == "121"
    before = written(three)
    _lost(three)
    assert (images(three), written(three)) == ("121", before)
    is_at(three, "Paused")
    three.until(lambda: seen(three) and set(GridUnit.objects.values_list("state", flat=True)) == {"Ready"})
    assert GridEvent.objects.filter(reason="RolloutTakenOver").exists()
    with pytest.raises(NotPossible):  # what a workload should be that stays as it is, nobody can say
        effective_of(three.grid, "a")
    steer(three, "resume")
    assert complete(three)[-1] == "222"
    assert written(three) == [2, 2, 2]


def test_more_replicas_reach_nobody_sooner_either_when_the_database_is_lost(three):  # noqa: F811
    """They end no pod, and are a change that the rollout brings to one NodeUnit after another all the same."""
    assert seen(three)[0] == "Complete"
    three.grid = three.change(three.grid, lambda each: each["spec"]["template"].update(replicas=3))
    before = written(three)
    assert sorted(before) == [1, 1, 2]
    _lost(three)
    assert written(three) == before
    is_at(three, "Paused")


def test_a_backup_of_before_a_change_takes_it_from_no_unit(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    file = _backup()
    give(three, 2)
    assert complete(three)[-1] == "222"
    before = written(three)
    _restored(three, file)
    assert (images(three), written(three)) == ("222", before)


def test_a_backup_of_the_middle_of_a_change_takes_it_from_no_unit(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    give(three, 2)
    file = _backup()
    assert complete(three)[-1] == "222"
    before = written(three)
    _restored(three, file)
    assert (images(three), written(three)) == ("222", before)


def test_a_status_that_was_yet_to_be_told_when_the_backup_was_made_rolls_nothing_back(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    Grid.objects.update(cells_version=F("cells_version") + 1)
    file = _backup()
    give(three, 2)
    assert complete(three)[-1] == "222"
    before = written(three)
    _put_back(file)
    three.look()
    publish.run("zone", three.cluster)  # a worker is sooner at this than at the grid
    _taken_over(three)
    assert (images(three), written(three)) == ("222", before)


def test_a_grid_that_is_paused_or_waits_for_another_gives_nobody_a_change_at_once_afterwards(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    give(three, 2)
    assert images(three) == "121"
    annotate(three, {PAUSED: "true", DEPENDS_ON: "deploymentgrids/other"})
    _lost(three)
    assert images(three) == "121"
    annotate(three, {})
    assert images(three) == "121"
    is_at(three, "Paused")


def test_a_unit_that_a_person_has_pinned_is_none_that_a_rollout_left_behind(three):  # noqa: F811
    assert seen(three)[0] == "Complete"
    pin_units(three.grid, ["a"], three.grid.generation, ADA)
    give(three, 2)
    assert complete(three)[-1] == "122"
    before = written(three)
    _restored(three, _backup())
    assert (images(three), written(three)) == ("122", before)
    assert not GridEvent.objects.filter(reason="RolloutTakenOver").exists()
    is_at(three, "Complete")


def annotate(world, annotations):
    """Somebody writes these of ours on the custom resource, and no others."""
    wanted = {**dict.fromkeys((PAUSED, DEPENDS_ON)), **annotations}
    world.cluster.patch("DeploymentGrid", "default", "g", {"metadata": {"annotations": wanted}}, MERGE_PATCH)
    refresh.relist("deploymentgrids", world.cluster)
    world.settle()
    world.resync()


@pytest.mark.parametrize("lose", ["lost", "restored"])
def test_a_unit_that_had_its_workload_is_not_asked_about_once_more(world, lose):
    """One was there before the policy was set, one was approved in the portal, one still waits."""
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template()))
    world.change(Grid.objects.get(), lambda body: body["spec"].update(joinPolicy="approved"))
    world.label("node1", zone="b")
    world.label("node2", zone="c")
    world.settle()
    approve(Grid.objects.get(), ["b"], ADA)
    world.settle()
    assert world.names() == ["g-a", "g-b"]
    world.resync()
    file = BytesIO()
    backup.write(file)
    file.seek(0)
    for name in ("g-a", "g-b"):
        world.cluster.delete("Deployment", "default", name, uid=world.get(name)["metadata"]["uid"])
    if lose == "lost":
        _lost(world)
    else:
        _restored(world, file.getvalue())
    enqueue.enqueue_all()  # as the watch does that begins
    world.settle()
    assert world.names() == ["g-a", "g-b"]
    assert dict(GridUnit.objects.values_list("name", "reason"))["c"] == "WaitingForApproval"
