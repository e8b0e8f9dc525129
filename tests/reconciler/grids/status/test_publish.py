"""The status of grids of which some cells were recorded: from the rows alone, once for many changes, and never lost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.core.status import manifest
from sgportal.models import Grid, GridEvent, GridUnit, WorkKey
from sgportal.queries.status import whole_status
from sgportal.reconciler.cache import enqueue
from sgportal.reconciler.grids.status import publish, rows
from sgportal.reconciler.grids.status.batch import record_cells
from sgportal.reconciler.worker import run

from ...world import a_grid, a_template
from .test_record_cells import carried_out, grids, recorded, sites  # noqa: F401

read = rows.read
KEY = "status/zone"
PATHS = ["deploymentgrids/default/g", "deploymentgrids/default/h"]


class Killed(BaseException):
    pass


def statuses(world):
    return {name: world.get(name, "DeploymentGrid")["status"] for name in ("g", "h")}


def status_writes(world):
    return sum(n for (method, what), n in world.server.requests.items() if method == "PATCH" and "grids" in what)


def sums():
    return list(Grid.objects.order_by("pk").values_list("unit_count", "ready_units", "pods_desired", "pods_ready"))


def counted():
    """The same, counted from the cells."""
    found = Grid.objects.order_by("pk").annotate(n=Count("units"), d=Sum("units__desired"), r=Sum("units__ready"))
    ready = dict(GridUnit.objects.filter(state="Ready").values_list("grid").annotate(Count("pk")))
    return [(grid.n, ready.get(grid.pk, 0), grid.d, grid.r) for grid in found]


@pytest.mark.embedded_only
def test_many_changes_are_published_by_one_write_of_each_grid(sites):  # noqa: F811
    sites.label("node2", zone="c")
    recorded(sites, "c")
    recorded(sites, "a")
    recorded(sites, "b")
    sites.server.reset_counts()
    run(KEY)
    assert status_writes(sites) == 2
    for status in statuses(sites).values():
        assert (status["totalUnits"], set(status["states"])) == (3, {"a", "b", "c"})
    sites.server.reset_counts()
    run(KEY)
    assert sites.writes() == 0


@pytest.mark.parametrize(("rows_at_once", "portions"), [(2000, 1), (3, 2)])
def test_no_more_rows_are_read_at_once_than_there_is_memory_for(sites, monkeypatch, rows_at_once, portions):  # noqa: F811
    monkeypatch.setattr(publish, "MOST_ROWS", rows_at_once)
    reads = []
    monkeypatch.setattr(publish.rows, "read", lambda grids, label: reads.append(grids) or read(grids, label))
    sites.label("node2", zone="c")
    recorded(sites, "c")
    run(KEY)
    assert len(reads) == portions
    assert {status["totalUnits"] for status in statuses(sites).values()} == {3}


def test_a_grid_is_not_published_twice_in_a_second(sites, monkeypatch):  # noqa: F811
    sites.label("node2", zone="c")
    recorded(sites, "c")
    run(KEY)
    monkeypatch.setattr(publish, "PACE_SECONDS", 3600.0)
    before = statuses(sites)
    GridUnit.objects.filter(name="c").update(state="Blocked")
    publish.mark(grids())
    assert 3000 < publish.run("zone", sites.cluster) <= 3600
    assert statuses(sites) == before
    monkeypatch.setattr(publish, "PACE_SECONDS", 0.0)
    assert publish.run("zone", sites.cluster) is None
    assert {status["readyUnits"] for status in statuses(sites).values()} == {2}


def test_what_is_published_from_rows_is_what_a_look_at_the_whole_says(sites):  # noqa: F811
    before = statuses(sites)
    publish.mark(grids())
    run(KEY)
    assert statuses(sites) == before
    assert {grid.name: grid.status for grid in grids()} == before


def test_a_unit_that_nothing_is_recorded_of_keeps_a_grid_from_being_ready(sites):  # noqa: F811
    sites.label("node2", zone="c")
    publish.mark(grids())
    run(KEY)
    for status in statuses(sites).values():
        ready = next(each for each in status["conditions"] if each["type"] == "Ready")
        assert (ready["status"], ready["message"]) == (
            "False",
            "1 of 3 units, first c: the workload is not created yet",
        )
    sites.settle()


def test_a_large_grid_is_counted_by_the_database_to_the_same_end(sites, monkeypatch):  # noqa: F811
    sites.label("node2", zone="c")
    recorded(sites, "c")
    GridUnit.objects.filter(name="a").update(state="Degraded", severity=3, reason="DeletionHeld")
    GridUnit.objects.filter(name="b", grid__name="g").update(contested={"id": "somebody else", "params": {}})
    small = rows.read(grids(), "zone")
    monkeypatch.setattr(rows, "MOST_UNITS", 0)
    large = rows.read(grids(), "zone")
    assert len(small) == 2
    for pk, found in small.items():
        assert found.status.tally == large[pk].status.tally
        assert found.status.conditions == large[pk].status.conditions
        assert found.generation == large[pk].generation == 1
        assert [unit.name for unit in large[pk].status.units] == ["a"]
    GridUnit.objects.filter(name="b").delete()
    assert {pk: each.status.conditions for pk, each in rows.read(grids(), "zone").items()} == {
        pk: each.status.conditions for pk, each in _small(monkeypatch).items()
    }


def _small(monkeypatch):
    monkeypatch.setattr(rows, "MOST_UNITS", 200)
    return rows.read(grids(), "zone")


def test_the_event_that_a_grid_is_ready_comes_from_what_is_published(sites):  # noqa: F811
    sites.label("node2", zone="c")
    recorded(sites, "c")
    run(KEY)
    assert {grid.state for grid in grids()} == {"Progressing"}
    count = GridEvent.objects.filter(reason="Ready").count()
    sites.until(lambda: all((sites.get(name).get("status") or {}).get("readyReplicas") for name in ("g-c", "h-c")))
    sites.look()
    recorded(sites, "c")
    assert GridEvent.objects.filter(reason="Ready").count() == count
    run(KEY)
    assert {grid.state for grid in grids()} == {"Ready"}
    assert sorted(GridEvent.objects.filter(reason="Ready", message__params__total=3).values_list("path", "count")) == [
        (path, 1) for path in PATHS
    ]
    assert not GridEvent.objects.filter(unsent__gt=0).exists()
    told = [each for each in sites.cluster.list("Event", "default").items if "3 NodeUnits" in each["message"]]
    assert sorted((each["involvedObject"]["name"], each["count"]) for each in told) == [("g", 1), ("h", 1)]


@pytest.mark.parametrize("place", ["_store", "_send"])
def test_a_worker_that_dies_before_it_has_published_loses_and_doubles_nothing(
    sites,  # noqa: F811
    monkeypatch,
    settings,
    place,
):
    def killed(*_):
        raise Killed

    settings.SGPORTAL_LEASE_SECONDS = 1
    sites.label("node2", zone="c")
    recorded(sites, "c")
    with monkeypatch.context() as patched:
        patched.setattr(publish, place, killed)
        with pytest.raises(Killed):
            run(KEY)
    sites.until(lambda: WorkKey.objects.due().filter(key=KEY).exists())
    run(KEY)
    for status in statuses(sites).values():
        assert status["totalUnits"] == 3
    assert set(GridEvent.objects.filter(unit="c").values_list("reason", "count", "unsent")) == {("Created", 1, 0)}
    told = [each for each in sites.cluster.list("Event", "default").items if "“g-c” was created" in each["message"]]
    assert [each["count"] for each in told] == [1]


@pytest.mark.embedded_only
@pytest.mark.parametrize("code", [409, 410, 429, 500, 403])
def test_what_the_api_server_would_not_take_is_published_later(sites, code):  # noqa: F811
    sites.label("node2", zone="c")
    recorded(sites, "c")
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deploymentgrids/g/status", code=code)
    run(KEY)
    assert sites.get("h", "DeploymentGrid")["status"]["totalUnits"] == 3
    assert sites.get("g", "DeploymentGrid")["status"]["totalUnits"] == 2
    sites.embedded.faults.clear()
    WorkKey.objects.update(failures=0)
    sites.later(600)
    assert sites.get("g", "DeploymentGrid")["status"]["totalUnits"] == 3


def test_the_sums_on_a_grids_row_follow_its_cells(sites):  # noqa: F811
    assert sums() == counted()
    sites.label("node2", zone="c")
    recorded(sites, "c")
    assert sums() == counted()
    assert {grid.units_by_state["Progressing"] for grid in grids()} == {1}
    sites.cluster.delete("Deployment", "default", "g-a")
    recorded(sites, "a", "b", "c")
    assert sums() == counted()


def test_a_look_at_the_whole_sets_sums_right_that_went_wrong(sites):  # noqa: F811
    Grid.objects.update(unit_count=7, pods_ready=0, units_by_state={"Ready": 7})
    sites.resync()
    assert sums() == counted()
    assert {tuple(grid.units_by_state.items()) for grid in grids()} == {(("Ready", 2),)}


def test_a_look_at_the_whole_does_not_publish_over_cells_that_were_recorded_meanwhile(sites, monkeypatch):  # noqa: F811
    """Its rows are older than those: the status is made from all of them."""
    from sgportal.reconciler.grids.status import record

    done = record.judge

    def judge(seen, *more):
        found = done(seen, *more)
        monkeypatch.setattr(record, "judge", done)
        sites.label("node2", zone="c")
        recorded(sites, "c")
        return found

    sites.cluster.delete("Deployment", "default", "g-b")
    monkeypatch.setattr(record, "judge", judge)
    WorkKey.objects.update(requested=1, done=0)
    run(PATHS[0])
    run(KEY)
    assert sites.get("g", "DeploymentGrid")["status"]["totalUnits"] == 3
    assert sums() == counted()


def test_rest_has_all_units_of_a_grid_of_which_the_custom_resource_has_some(sites, monkeypatch):  # noqa: F811
    whole = {grid.name: grid.status for grid in grids()}
    monkeypatch.setattr(rows, "MOST_UNITS", 1)
    monkeypatch.setattr(manifest, "MOST_UNITS", 1)
    publish.mark(grids())
    run(KEY)
    for grid in grids():
        assert (grid.status["truncated"], grid.status["omittedUnits"], grid.status["units"]) == (True, 2, [])
        assert sites.get(grid.name, "DeploymentGrid")["status"] == grid.status
        assert whole_status(grid) == whole[grid.name]


def test_a_status_that_waited_for_the_cluster_waits_no_longer_once_it_answers(sites):  # noqa: F811
    publish.mark(grids())
    later = timezone.now() + timedelta(hours=1)
    WorkKey.objects.filter(key=KEY).update(failures=9, next_at=later)
    enqueue.enqueue_all()
    assert WorkKey.objects.due().filter(key=KEY).exists()
    run(KEY)
    WorkKey.objects.filter(key=KEY).update(failures=9, next_at=later)
    enqueue.enqueue_all()
    assert not WorkKey.objects.due().filter(key=KEY).exists()


def statements_of(work) -> int:
    with CaptureQueriesContext(connection) as queries:
        work()
    return len(queries)


@pytest.mark.embedded_only
@pytest.mark.parametrize("most", [200, 0], ids=["small", "large"])
def test_recording_and_publishing_take_as_many_statements_for_many_grids_as_for_few(
    sites,  # noqa: F811
    monkeypatch,
    most,
):
    monkeypatch.setattr(rows, "MOST_UNITS", most)
    costs = []
    for more in (1, 9):
        sites.save(*(a_grid(f"more{number}", template=a_template(app=f"more{number}")) for number in range(more)))
        sites.resync()
        Grid.objects.update(pods_ready=0)
        GridUnit.objects.filter(name="a").update(ready=0, state="Degraded", severity=3)
        batches = [carried_out(sites, grid, "a") for grid in grids()]
        costs.append(
            (statements_of(lambda found=batches: record_cells(found, sites.cluster)), statements_of(lambda: run(KEY)))
        )
    assert costs[0] == costs[1]
