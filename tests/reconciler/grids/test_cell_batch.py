"""Cells are reconciled in batches of one label key: what happened in a NodeUnit concerns that NodeUnit alone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.actions import recreate_unit, save_grids
from sgportal.core.text import Sentence
from sgportal.models import Child, DueCell, Grid, GridEvent, GridUnit, WorkKey
from sgportal.reconciler.cache import enqueue
from sgportal.reconciler.grids import cell_batch, reconcile
from sgportal.reconciler.grids.cell_batch import Cell
from sgportal.reconciler.process import connection as connection_to_cluster
from sgportal.reconciler.queue import due_cells, workqueue
from sgportal.reconciler.worker import run

from ..world import ADA, a_grid, a_template

CELLS = "cells/zone"
KEY, OTHER = "deploymentgrids/default/g", "deploymentgrids/default/h"


@pytest.fixture
def sites(world):
    """Two grids at rest with one unit, `a`."""
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template()), a_grid("h", template=a_template(app="other")))
    world.until_ready("g-a", "h-a")
    return world


def due():
    """The keys that are due, but for those of the status."""
    keys = WorkKey.objects.due().values_list("key", flat=True)
    return {key for key in keys if not key.startswith("status/")}


def happened(*units, grid=None, moved=False):
    """Something happened to cells."""
    pk = Grid.objects.get(name=grid).pk if grid else due_cells.ALL
    due_cells.enqueue([Cell("zone", pk, unit, moved) for unit in units])


def created(unit):
    return sorted(GridEvent.objects.filter(unit=unit, reason="Created").values_list("path", "count"))


class Killed(BaseException):
    pass


def killed(*_, **__):
    raise Killed


def cell(grid, unit):
    return GridUnit.objects.get(grid__name=grid, name=unit)


def test_a_new_unit_gets_the_workloads_of_all_grids_and_is_recorded_in_one_batch(sites):
    sites.label("node1", zone="b")
    assert due() == {CELLS}
    run(CELLS)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert {cell("g", "b").child, cell("h", "b").child} == {"g-b", "h-b"}
    assert created("b") == [(KEY, 1), (OTHER, 1)]
    assert not DueCell.objects.exists()
    sites.settle()
    assert created("b") == [(KEY, 1), (OTHER, 1)]
    assert Grid.objects.get(name="g").status["totalUnits"] == 2


def test_nothing_but_the_cells_concerned_is_read_or_recorded(sites):
    sites.label("node1", zone="b")
    sites.settle()
    GridUnit.objects.filter(name="a").update(reason="Untouched")
    before = WorkKey.objects.get(key=KEY).done
    sites.scale("g-b", 0)
    sites.server.reset_counts()
    sites.look()
    assert due() == {CELLS}
    run(CELLS)
    assert sites.get("g-b")["spec"]["replicas"] == 1
    assert cell("g", "a").reason == "Untouched"
    assert WorkKey.objects.get(key=KEY).done == before


def test_a_child_that_somebody_deleted_comes_back(sites):
    sites.cluster.delete("Deployment", "default", "g-a")
    sites.until(lambda: "g-a" not in sites.names())
    sites.look()
    assert CELLS in due()
    run(CELLS)
    assert sites.names() == ["g-a", "h-a"]


def test_a_grid_that_is_reconciled_whole_has_its_cells_wait(sites):
    workqueue.enqueue([KEY])
    with workqueue.acquire(KEY) as item:
        sites.label("node1", zone="b")
        run(CELLS)
        assert sites.names() == ["g-a", "h-a", "h-b"]
        assert DueCell.objects.get().grid == Grid.objects.get(name="g").pk
        workqueue.done(item)
    sites.until(lambda: CELLS in due())
    run(CELLS)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert not DueCell.objects.exists()


def test_new_members_are_not_forgotten_while_their_grid_is_busy(sites):
    """What gives way to them asks whether a cell that is due has other members."""
    sites.label("node1", zone="b")
    WorkKey.objects.filter(key=KEY).update(holder="another", lease_until=timezone.now() + timedelta(seconds=60))
    assert due_cells.is_any_moved("zone")
    run(CELLS)
    assert sites.names() == ["g-a", "h-a", "h-b"]
    assert due_cells.is_any_moved("zone")


def test_no_grid_is_reconciled_whole_while_its_cells_are(sites):
    workqueue.enqueue([KEY, OTHER])
    with workqueue.acquire_free([KEY, OTHER]) as lease:
        assert lease.keys == {KEY, OTHER}
        with workqueue.acquire(KEY) as item, workqueue.acquire_free([KEY]) as again:
            assert item is None
            assert again.keys == set()
    assert {KEY, OTHER} <= due()


def test_a_lease_that_could_not_be_kept_stops_the_writes(sites, settings):
    settings.SGPORTAL_LEASE_SECONDS = 0.3
    with workqueue.acquire_free([KEY, OTHER]) as lease:
        WorkKey.objects.filter(key=OTHER).update(holder="another")
        assert lease.lost.wait(75)
    assert WorkKey.objects.get(key=OTHER).holder == "another"


def test_what_was_created_and_never_recorded_is_changed_by_nobody(sites):
    """Whoever created it was killed before it could be recorded."""
    GridUnit.objects.all().delete()
    before = sites.get("g-a")
    sites.server.reset_counts()
    happened("a", moved=True)
    run(CELLS)
    assert sites.get("g-a") == before
    assert cell("g", "a").child == "g-a"


def test_what_was_created_and_is_not_seen_yet_is_not_created_again(sites):
    """The watch is behind: our own object is there, and the rows do not know it."""
    Child.objects.filter(name="g-a").delete()
    before = sites.get("g-a")
    happened("a", grid="g")
    run(CELLS)
    assert sites.get("g-a") == before
    assert cell("g", "a").state == "Ready"


def test_a_stranger_of_that_name_is_left_alone(sites):
    sites.cluster.create(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "g-b", "namespace": "default"},
            "spec": a_template("theirs:1", app="other"),
        }
    )
    before = sites.get("g-b")["metadata"]["uid"]
    sites.label("node1", zone="b")
    run(CELLS)
    live = sites.get("g-b")
    assert live["metadata"]["uid"] == before
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "theirs:1"
    assert cell("g", "b").reason == "NameConflict"
    assert cell("h", "b").child == "h-b"


@pytest.mark.embedded_only
def test_a_refused_write_is_one_cells_trouble(sites):
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deployments/g-b", code=403)
    sites.label("node1", zone="b")
    run(CELLS)
    assert not WorkKey.objects.get(key=CELLS).failures
    assert cell("g", "b").failures == 1
    assert cell("h", "b").child == "h-b"
    assert (WorkKey.objects.get(key=KEY).next_at - timezone.now()).total_seconds() < 2
    sites.embedded.faults.clear()
    sites.later(5)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert cell("g", "b").failures == 0


@pytest.mark.embedded_only
def test_where_the_cluster_does_not_answer_all_cells_stay_due(sites):
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deployments/", code=503)
    sites.label("node1", zone="b")
    run(CELLS)
    assert WorkKey.objects.get(key=CELLS).failures == 1
    assert DueCell.objects.get().unit == "b"
    sites.embedded.faults.clear()
    sites.later(5)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert not DueCell.objects.exists()


@pytest.mark.embedded_only
def test_somebody_who_is_faster_costs_another_try_of_that_cell(sites):
    """The rows are older than the object: the write says which version it means, and is refused."""
    sites.scale("g-a", 3)
    sites.look()
    sites.edit("g-a", {"metadata": {"labels": {"theirs": "yes"}}, "spec": {"replicas": 4}})
    run(CELLS)
    assert sites.get("g-a")["spec"]["replicas"] == 4
    assert DueCell.objects.get().unit == "a"
    sites.look()
    sites.later(2)
    assert sites.get("g-a")["spec"]["replicas"] == 1


def test_a_grid_that_cannot_be_planned_delays_no_other(sites, monkeypatch):
    def broken(spec, world):
        if spec.name == "g":
            raise KeyError("spec")
        return plan(spec, world)

    plan = cell_batch.plan
    monkeypatch.setattr(cell_batch, "plan", broken)
    sites.label("node1", zone="b")
    run(CELLS)
    assert not WorkKey.objects.get(key=CELLS).failures
    assert sites.names() == ["g-a", "h-a", "h-b"]
    assert KEY in due()


def test_a_change_of_the_spec_is_not_for_a_batch_of_cells(sites):
    save_grids([with_image("img:2")], ADA, ask=False)
    happened("a")
    run(CELLS)
    assert sites.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "img:1"
    assert KEY in due()
    sites.settle()
    assert sites.get("g-a")["spec"]["template"]["spec"]["containers"][0]["image"] == "img:2"


def with_image(image):
    manifest = Grid.objects.get(name="g").source()
    manifest["spec"]["template"]["template"]["spec"]["containers"][0]["image"] = image
    return manifest


def images(sites):
    bodies = [each for each in sites.cluster.list("Deployment", "default").items if each["metadata"]["name"] < "h"]
    return sorted(each["spec"]["template"]["spec"]["containers"][0]["image"] for each in bodies)


def test_a_change_of_many_cells_is_done_by_several_tasks_and_is_nobodys_drift(sites, monkeypatch):
    sites.label("node1", zone="b")
    sites.label("node2", zone="c")
    sites.settle()
    sites.look()
    sites.settle()
    monkeypatch.setattr(reconcile, "MOST_STEPS", 1)
    monkeypatch.setattr(cell_batch, "MOST_CELLS", 1)
    save_grids([with_image("img:2")], ADA, ask=False)
    run(KEY)
    assert images(sites) == ["img:1", "img:1", "img:2"]
    assert Grid.objects.get(name="g").state != "Ready"
    assert set(DueCell.objects.values_list("changed", flat=True)) == {True}
    run(CELLS)
    assert images(sites) == ["img:1", "img:2", "img:2"]
    sites.settle()
    assert images(sites) == ["img:2", "img:2", "img:2"]
    events = GridEvent.objects.filter(path=KEY, reason="Updated")
    assert not [each for each in events if "drift" in str(Sentence.from_json(each.message))]
    assert not GridUnit.objects.exclude(attempts={}).exists()


def test_a_change_of_many_cells_gives_way_to_a_unit_that_gets_members(sites, monkeypatch):
    """Its workload waits for the grid's lease: what is left to change is done after it, by batches of cells."""
    sites.label("node1", zone="b")
    sites.settle()

    def first_part(steps, *others):
        monkeypatch.setattr(reconcile, "apply_steps", apply_steps)
        sites.label("node2", zone="c")
        return apply_steps(steps, *others)

    apply_steps = reconcile.apply_steps
    monkeypatch.setattr(reconcile, "PART", 1)
    monkeypatch.setattr(reconcile, "apply_steps", first_part)
    save_grids([with_image("img:2")], ADA, ask=False)
    run(KEY)
    assert images(sites) == ["img:1", "img:2"]
    seen = batches(monkeypatch)
    run(CELLS)
    assert seen[0] == {"c"}
    sites.settle()
    assert images(sites) == ["img:2"] * 3
    assert not GridUnit.objects.exclude(attempts={}).exists()


@pytest.mark.embedded_only
def test_where_the_cluster_does_not_answer_no_other_part_of_a_change_is_tried(sites, monkeypatch):
    sites.label("node1", zone="b")
    sites.settle()
    parts = []

    def part(steps, *others):
        parts.append(len(steps))
        return apply_steps(steps, *others)

    apply_steps = reconcile.apply_steps
    monkeypatch.setattr(reconcile, "PART", 1)
    monkeypatch.setattr(reconcile, "apply_steps", part)
    save_grids([with_image("img:2")], ADA, ask=False)
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deployments/", code=503)
    run(KEY)
    assert parts == [1]
    assert WorkKey.objects.get(key=KEY).failures == 1
    sites.embedded.faults.clear()
    sites.later(5)
    assert images(sites) == ["img:2", "img:2"]


def test_a_kill_before_the_cells_are_noted_leaves_the_grid_due(sites, monkeypatch, settings):
    settings.SGPORTAL_LEASE_SECONDS = 1
    sites.label("node1", zone="b")
    sites.settle()
    monkeypatch.setattr(reconcile, "MOST_STEPS", 1)
    monkeypatch.setattr(reconcile, "_leave_to_cells", killed)
    save_grids([with_image("img:2")], ADA, ask=False)
    with pytest.raises(Killed):
        run(KEY)
    monkeypatch.undo()
    sites.until(lambda: KEY in due())
    sites.settle()
    assert images(sites) == ["img:2", "img:2"]


def test_what_a_person_asked_for_is_not_for_a_batch_of_cells(sites):
    uid = sites.get("g-a")["metadata"]["uid"]
    recreate_unit(Grid.objects.get(name="g"), "a", ADA)
    WorkKey.objects.filter(key=KEY).update(done=F("requested"))
    happened("a")
    run(CELLS)
    assert sites.get("g-a")["metadata"]["uid"] == uid
    assert KEY in due()


def test_two_grids_that_need_one_name_are_given_one_object(sites):
    sites.save(a_grid("g-x", template=a_template(app="third")))
    sites.settle()
    sites.label("node1", zone="y")
    sites.label("node2", zone="x-y")  # g-x-y is the name of g in x-y and of g-x in y
    run(CELLS)
    assert sites.names().count("g-x-y") == 1
    blocked = GridUnit.objects.filter(reason="NameConflict").values_list("grid__name", "name")
    assert len(blocked) == 1
    assert blocked[0] in [("g", "x-y"), ("g-x", "y")]


def test_a_unit_without_nodes_keeps_its_workload_for_the_grace_time(sites, settings):
    sites.label("node1", zone="b")
    sites.settle()
    sites.label("node1", zone=None)
    run(CELLS)
    assert cell("g", "b").state == "UnitGone"
    assert cell("g", "b").gone_since
    wait = WorkKey.objects.get(key=KEY).next_at - timezone.now()
    assert wait <= timedelta(seconds=settings.SGPORTAL_ORPHAN_GRACE_SECONDS)
    sites.label("node1", zone="b")
    run(CELLS)
    assert cell("g", "b").gone_since is None
    sites.label("node1", zone=None)
    run(CELLS)
    sites.later(settings.SGPORTAL_ORPHAN_GRACE_SECONDS + 1)
    sites.look()
    sites.settle()
    assert sites.names() == ["g-a", "h-a"]
    assert not GridUnit.objects.filter(name="b").exists()


def test_a_unit_that_never_had_a_workload_leaves_no_cell(sites):
    happened("never", moved=True)
    run(CELLS)
    assert not GridUnit.objects.filter(name="never").exists()


@pytest.mark.parametrize("at", ["apply_steps", "record_cells", "_note_what_waits"])
def test_a_kill_loses_nothing_and_doubles_nothing(sites, monkeypatch, at):
    sites.label("node1", zone="b")
    monkeypatch.setattr(cell_batch, at, killed)
    with pytest.raises(Killed):
        run(CELLS)
    monkeypatch.undo()
    assert CELLS not in due()
    WorkKey.objects.exclude(lease_until=None).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert CELLS in due()
    sites.settle()
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert {cell("g", "b").child, cell("h", "b").child} == {"g-b", "h-b"}


def test_a_batch_is_bounded_and_new_units_come_first(sites, monkeypatch):
    monkeypatch.setattr(cell_batch, "MOST_CELLS", 2)
    happened("a")
    happened("a", "c", "d")
    sites.label("node1", zone="b")
    run(CELLS)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert {each.unit for each in DueCell.objects.all()} == {"a", "c", "d"}
    assert CELLS in due()
    for _ in range(3):
        run(CELLS)
    assert not DueCell.objects.exists()
    assert CELLS not in due()


def test_what_happens_meanwhile_is_not_lost(sites, monkeypatch):
    def meanwhile(*args):
        happened("a")
        return apply_steps(*args)

    apply_steps = cell_batch.apply_steps
    monkeypatch.setattr(cell_batch, "apply_steps", meanwhile)
    happened("a")
    run(CELLS)
    assert DueCell.objects.count() == 1
    assert CELLS in due()


def test_however_often_something_happens_to_a_cell_it_is_due_once(sites):
    for _ in range(9):
        happened("a")
        happened("a", grid="g")
    happened("a", moved=True)
    assert DueCell.objects.count() == 3


def test_a_batch_that_failed_is_done_again_with_what_happened_since(sites, monkeypatch):
    monkeypatch.setattr(cell_batch, "record_cells", killed)
    happened("a")
    for _ in range(2):
        with pytest.raises(Killed):
            cell_batch.run("zone", connection_to_cluster.writable())
        happened("a")
    monkeypatch.undo()
    assert DueCell.objects.count() == 3  # of two batches that failed, and of what has happened since
    cell_batch.run("zone", connection_to_cluster.writable())
    assert not DueCell.objects.exists()


def test_cells_of_grids_that_are_gone_or_have_another_key_are_forgotten(sites):
    due_cells.enqueue([Cell("zone", 4711, "a"), Cell("elsewhere", due_cells.ALL, "a")])
    run(CELLS)
    run("cells/elsewhere")
    assert not DueCell.objects.exists()


@pytest.mark.parametrize("going", ["deleting_since", "missing_since"])
def test_cells_of_a_grid_that_goes_are_forgotten(sites, going):
    """It is looked at by its own key, when it goes and when it is back; each cell had it looked at once more."""
    Grid.objects.filter(name="g").update(**{going: timezone.now()})
    happened("a")
    assert run(CELLS) is None
    assert due() == set()
    assert not DueCell.objects.exists()


@pytest.mark.usefixtures("sites")
def test_where_another_controller_manages_the_grids_they_are_looked_at_whole(monkeypatch):
    happened("a")
    cell_batch.run("zone", connection_to_cluster.reading())
    assert {KEY, OTHER} <= due()
    assert not DueCell.objects.exists()


def queries_of(*units):
    happened(*units, moved=True)
    with CaptureQueriesContext(connection) as queries:
        run(CELLS)
    return len(queries)


def test_a_batch_takes_the_same_queries_for_any_number_of_grids(sites):
    few = queries_of("a")
    more = [f"more{number}" for number in range(8)]
    sites.save(*(a_grid(name, template=a_template(app=name)) for name in more))
    sites.until_ready(*(f"{name}-a" for name in more))
    assert queries_of("a") == few


def test_what_waited_for_the_cluster_waits_no_longer_once_it_answers(sites):
    WorkKey.objects.filter(key=CELLS).update(failures=9, next_at=timezone.now() + timedelta(hours=1))
    enqueue.enqueue_all()
    assert due() == {CELLS, KEY, OTHER}


def test_what_can_wait_is_not_passed_over_for_ever_while_units_go_on_to_move(sites):
    """However many rows of other members come: as many as a batch looks at first, and it is its turn."""
    grid = Grid.objects.get(name="g")
    waits = DueCell.objects.create(label="zone", grid=grid.pk, unit="a")
    DueCell.objects.create(label="zone", unit="a", moved=True)
    cell_batch.run("zone", sites.cluster)
    assert DueCell.objects.filter(pk=waits.pk).exists()
    DueCell.objects.create(pk=waits.pk + cell_batch.PASSED_OVER + 1, label="zone", unit="a", moved=True)
    cell_batch.run("zone", sites.cluster)
    assert not DueCell.objects.exists()


def test_what_can_wait_has_its_turn_however_many_rows_of_units_that_moved_there_are(sites):
    """More of these than one look reads, of which all that are read are younger."""
    grid = Grid.objects.get(name="g")
    waits = DueCell.objects.create(label="zone", grid=grid.pk, unit="a")
    first = waits.pk + cell_batch.PASSED_OVER + 1
    moved = [
        DueCell(pk=first + number, label="zone", unit=f"gone{number}", moved=True)
        for number in range(cell_batch.MOST_ROWS + 1)
    ]
    DueCell.objects.bulk_create(moved)
    assert cell_batch.run("zone", sites.cluster) == 0
    assert not DueCell.objects.filter(pk=waits.pk).exists()
    assert DueCell.objects.filter(moved=True).exists(), "the others are done in several batches"


def batches(monkeypatch, at_first=lambda: None):
    """The units of each batch from now on, as they are observed; `at_first` is done while the first one is."""
    seen = []

    def observed(label, specs, wanted):
        seen.append({unit for units in wanted.values() for unit in units})
        if len(seen) == 1:
            at_first()
        return observe_cells(label, specs, wanted)

    observe_cells = cell_batch.observe_cells
    monkeypatch.setattr(cell_batch, "observe_cells", observed)
    return seen


def test_a_unit_that_gets_members_between_two_batches_of_what_can_wait_is_next(sites, monkeypatch):
    """A routine look at many cells gives way, in the same turn: the new unit's row waits for no lease."""
    monkeypatch.setattr(cell_batch, "MOST_CELLS", 12)
    seen = batches(monkeypatch, at_first=lambda: sites.label("node1", zone="b"))
    happened("a", "c", "d", grid="g")
    happened("e", "f", "i", grid="g")
    cell_batch.run("zone", sites.cluster)
    assert seen[:2] == [{"a", "c", "d"}, {"b"}]
    assert set().union(*seen) >= set("abcdefi"), "what was due when the turn began is done in it"
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]


def test_a_new_unit_does_not_wait_for_what_was_passed_over(sites, monkeypatch):
    """Which has its turn right after it, and before the next new unit."""
    waits = DueCell.objects.create(label="zone", grid=Grid.objects.get(name="g").pk, unit="a")
    DueCell.objects.create(pk=waits.pk + cell_batch.PASSED_OVER + 1, label="zone", unit="b", moved=True)
    seen = batches(monkeypatch, at_first=lambda: happened("c", moved=True))
    cell_batch.run("zone", sites.cluster)
    assert seen == [{"b"}, {"a"}, {"c"}]
    assert not DueCell.objects.exists()


@pytest.fixture
def busy():
    """All threads that write are kept busy by what can wait, as by a change of a thousand cells; those of these writes
    that ended before the test did."""
    over, ended = threading.Event(), []

    def write(number):
        if not over.wait(75):
            ended.append(number)

    connection_to_cluster.disconnect()
    others = threading.Thread(target=connection_to_cluster.map_parallel, args=(write, range(100)))
    others.start()
    yield ended
    over.set()
    others.join()


@pytest.mark.embedded_only
def test_a_new_units_workloads_wait_for_no_other_writes(sites, busy):
    sites.label("node1", zone="b")
    run(CELLS)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert not busy


def test_of_what_goes_first_each_is_done_once_and_in_order(busy):
    assert connection_to_cluster.map_parallel(str, range(50), first=True) == [str(number) for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        connection_to_cluster.map_parallel(lambda number: 1 // number, range(3), first=True)
    assert not busy


@pytest.mark.parametrize("threads", [1, 9])
def test_there_are_no_more_threads_than_requests_at_once(settings, threads):
    settings.SGPORTAL_CLUSTER_THREADS = threads
    connection_to_cluster.disconnect()
    names = connection_to_cluster.map_parallel(lambda _: threading.current_thread().name, range(200), first=True)
    assert len(set(names)) <= threads
    connection_to_cluster.disconnect()


def test_what_comes_while_a_turn_is_under_way_is_left_to_the_next(sites, monkeypatch):
    """It is done together with what is still to come."""
    seen = batches(monkeypatch, at_first=lambda: happened("c", grid="g"))
    happened("a", grid="g")
    assert cell_batch.run("zone", sites.cluster) is None
    assert seen == [{"a"}]
    assert DueCell.objects.get().unit == "c"
    assert CELLS in due()
