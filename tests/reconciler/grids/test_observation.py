"""One observation for a whole reconcile: what people and others do meanwhile is neither lost nor overwritten."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from sgportal.actions import recreate_unit, save_grids
from sgportal.core.plans.plan import plan
from sgportal.models import Grid, ManagedCluster, WorkKey
from sgportal.queries.plans import spec_of
from sgportal.reconciler.grids import reconcile
from sgportal.reconciler.grids.observation.cells import observe_cells
from sgportal.reconciler.grids.observation.observation import observe
from sgportal.reconciler.grids.status import record, resource_status
from sgportal.reconciler.worker import run

from ..world import ADA, a_grid, a_template


@pytest.fixture
def two(world):
    """Units a and b, and a grid that is Ready in both."""
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    world.grid = world.save(a_grid(template=a_template()))
    world.until_ready("g-a", "g-b")
    world.grid.refresh_from_db()
    assert world.grid.state == "Ready"
    return world


def meanwhile(monkeypatch, module, name, deed):
    """Have something happen once, just before a function is called."""
    done = getattr(module, name)

    def late(*arguments, **options):
        monkeypatch.setattr(module, name, done)
        deed()
        return done(*arguments, **options)

    monkeypatch.setattr(module, name, late)


def due(world):
    """Have the grid's key looked at now."""
    WorkKey.objects.filter(key=world.grid.path).update(requested=F("requested") + 1, next_at=timezone.now(), failures=0)


def test_what_a_person_asks_for_while_a_unit_is_written_is_done_afterwards(two, monkeypatch):
    before = two.get("g-a")["metadata"]["uid"]
    meanwhile(monkeypatch, reconcile, "apply_steps", lambda: recreate_unit(Grid.objects.get(), "a", ADA))
    two.change(two.grid, lambda body: body["spec"].update(template=a_template("img:2")))

    def is_anew():
        two.resync()
        found = two.cluster.get("Deployment", "default", "g-a")
        return found and found["metadata"]["uid"] != before

    two.until(is_anew)
    assert not two.grid.units.filter(recreate=True).exists()


@pytest.mark.embedded_only
def test_who_saves_a_grid_while_its_writes_fail_need_not_wait_for_the_next_try(two, monkeypatch):
    two.embedded.faults.add("status", code=403, methods=["PATCH"], path="deployments/g-")
    two.save(a_grid(template=a_template("img:2")), ask=False)
    two.grid.units.update(failures=9, next_at=timezone.now() - timedelta(seconds=1))
    edited = a_grid(template=a_template("img:3"))
    meanwhile(monkeypatch, reconcile, "apply_steps", lambda: save_grids([edited], ADA, ask=False))
    due(two)
    run(two.grid.path)
    assert set(two.grid.units.values_list("failures", flat=True)) == {1}
    assert max(two.grid.units.values_list("next_at", flat=True)) < timezone.now() + timedelta(seconds=2)


def test_some_cells_are_observed_as_the_whole_grid_is(two):
    two.grid.units.filter(name="a").update(recreate=True)
    spec, resource = spec_of(two.grid), two.get("g", "DeploymentGrid")
    whole = observe(two.grid, spec, resource, two.cluster)
    two.look()
    two.server.reset_counts()
    (some,) = observe_cells("zone", {two.grid: spec}, {two.grid: ["a"]})
    assert sum(two.server.requests.values()) == 0
    assert (some.units, some.live) == (
        {"a": whole.units["a"]},
        [each for each in whole.live if each["metadata"]["name"] == "g-a"],
    )
    assert some.cells == {"a": whole.cells["a"]}
    assert some.pods == tuple(pod for pod in whole.pods if pod.child == "g-a")
    planned, of_all = plan(spec, some.world()), plan(spec, whole.world())
    assert [step.verb for step in planned.steps] == ["delete"]
    assert planned.steps == tuple(step for step in of_all.steps if step.unit == "a")


def test_a_status_is_written_although_somebody_annotates_the_resource_meanwhile(two, monkeypatch):
    def annotate():
        two.edit("g", {"metadata": {"annotations": {"note": "x"}}}, "DeploymentGrid")

    meanwhile(monkeypatch, resource_status, "write", annotate)
    two.change(two.grid, lambda body: body["spec"].update(template=a_template(replicas=2)))
    body = two.get("g", "DeploymentGrid")
    assert (body["metadata"]["annotations"]["note"], body["status"]["observedGeneration"]) == ("x", 2)


def test_another_resource_of_the_name_gets_no_status_that_is_not_its_own(two, monkeypatch):
    uid = two.get("g", "DeploymentGrid")["metadata"]["uid"]
    other = a_grid(template=a_template("img:3"))

    def exchange():
        two.cluster.delete("DeploymentGrid", "default", "g", propagation="Orphan")
        two.until(lambda: two.cluster.get("DeploymentGrid", "default", "g") is None)
        two.cluster.create(other)

    two.edit("g", {"spec": a_grid(template=a_template("img:2"))["spec"]}, "DeploymentGrid")
    meanwhile(monkeypatch, record, "record", exchange)
    due(two)
    run(two.grid.path)
    body = two.get("g", "DeploymentGrid")
    assert body["metadata"]["uid"] != uid
    assert not body.get("status")


def test_nothing_is_recorded_of_another_cluster_where_there_is_nothing_to_write(two):
    two.resync()
    Grid.objects.update(status={}, state="Progressing")
    ManagedCluster.objects.update_or_create(pk=1, defaults={"uid": "another"})
    due(two)
    run(two.grid.path)
    assert "another cluster" in WorkKey.objects.get(key=two.grid.path).error
    assert Grid.objects.get().status == {}


def test_a_grid_that_somebody_deletes_without_its_children_does_not_take_them_back(two, monkeypatch):
    """Between the look at the grid and the look at its children: one that had such an owner again would go with it."""
    before = {name: two.get(name)["metadata"]["uid"] for name in ("g-a", "g-b")}

    def delete():
        two.cluster.delete("DeploymentGrid", "default", "g", propagation="Orphan")
        two.until(lambda: two.cluster.get("DeploymentGrid", "default", "g") is None)
        two.look()

    meanwhile(monkeypatch, reconcile, "observe", delete)
    due(two)
    run(two.grid.path)
    assert not any(two.get(name)["metadata"].get("ownerReferences") for name in before)
    two.until(lambda: (two.resync(), two.later(5), not Grid.objects.exists())[2])
    assert {name: two.get(name)["metadata"]["uid"] for name in before} == before
