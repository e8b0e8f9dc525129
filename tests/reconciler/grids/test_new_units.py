"""A NodeUnit that has just come gets the workloads of all grids of its key before any grid is looked at whole."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sgportal.models import GridEvent, GridUnit, WorkKey
from sgportal.reconciler.cache import enqueue
from sgportal.reconciler.grids import new_units
from sgportal.reconciler.queue import workqueue
from sgportal.reconciler.worker import run

from ..world import a_grid, a_template

ARRIVALS = "arrivals/zone"
KEY, OTHER = "deploymentgrids/default/g", "deploymentgrids/default/h"


@pytest.fixture
def sites(world):
    """Two settled grids with one unit, `a`."""
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template()), a_grid("h", template=a_template(app="other")))
    world.until_ready("g-a", "h-a")
    return world


def due():
    return set(WorkKey.objects.due().values_list("key", flat=True))


def created(unit):
    return sorted(GridEvent.objects.filter(unit=unit, reason="Created").values_list("path", "count"))


def test_the_workloads_of_all_grids_come_first_and_the_whole_looks_after(sites):
    sites.label("node1", zone="b")
    assert due() == {ARRIVALS}
    run(ARRIVALS)
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert not GridUnit.objects.filter(name="b").exists()
    assert created("b") == [(KEY, 1), (OTHER, 1)]
    assert due() == {KEY, OTHER}
    sites.settle()
    assert set(GridUnit.objects.filter(name="b").values_list("child", flat=True)) == {"g-b", "h-b"}
    assert created("b") == [(KEY, 1), (OTHER, 1)]


def test_a_grid_that_is_being_looked_at_is_left_to_another_look(sites):
    workqueue.enqueue([KEY])
    with workqueue.acquire(KEY) as turn:
        sites.label("node1", zone="b")
        run(ARRIVALS)
        assert sites.names() == ["g-a", "h-a", "h-b"]
        workqueue.done(turn)
    assert due() == {KEY, OTHER}
    sites.settle()
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]


def test_nobody_looks_at_a_grid_while_its_lease_is_borrowed(sites):
    workqueue.enqueue([KEY, OTHER])
    with workqueue.acquire_free([KEY, OTHER]) as lease:
        assert lease.keys == {KEY, OTHER}
        with workqueue.acquire(KEY) as turn, workqueue.acquire_free([KEY]) as again:
            assert turn is None
            assert again.keys == set()
    assert due() == {KEY, OTHER}


def test_a_lease_that_could_not_be_kept_stops_the_writes(sites, settings):
    settings.SGPORTAL_LEASE_SECONDS = 0.3
    with workqueue.acquire_free([KEY, OTHER]) as lease:
        WorkKey.objects.filter(key=OTHER).update(holder="another")
        assert lease.lost.wait(5)
    assert WorkKey.objects.get(key=OTHER).holder == "another"


def test_what_was_created_and_never_recorded_is_changed_by_nobody(sites):
    """Whoever created it was killed before it could be recorded."""
    GridUnit.objects.all().delete()
    before = sites.get("g-a")
    sites.server.reset_counts()
    workqueue.enqueue([ARRIVALS])
    run(ARRIVALS)
    assert sites.writes() == 0
    assert sites.get("g-a") == before


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
    sites.settle()
    live = sites.get("g-b")
    assert live["metadata"]["uid"] == before
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "theirs:1"
    assert GridUnit.objects.get(name="b", grid__name="g").reason == "NameConflict"
    assert GridUnit.objects.get(name="b", grid__name="h").child == "h-b"


@pytest.mark.embedded_only
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_goes_wrong_is_left_to_the_look_at_each_grid(sites, method):
    sites.embedded.faults.add("status", methods=[method], path="/deployments/g-b", code=403)
    sites.label("node1", zone="b")
    run(ARRIVALS)
    assert not WorkKey.objects.get(key=ARRIVALS).failures
    assert due() == {KEY, OTHER}
    sites.embedded.faults.clear()
    sites.settle()
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]


@pytest.mark.embedded_only
def test_a_refused_look_at_one_name_delays_no_other(sites):
    sites.embedded.faults.add("status", methods=["GET"], path="/deployments/g-b", code=403)
    sites.label("node1", zone="b")
    run(ARRIVALS)
    sites.embedded.faults.clear()
    assert sites.names() == ["g-a", "h-a", "h-b"]


def test_a_grid_that_cannot_be_planned_delays_no_other(sites, monkeypatch):
    def broken(spec, world):
        if spec.name == "g":
            raise KeyError("spec")
        return plan(spec, world)

    plan = new_units.plan
    monkeypatch.setattr(new_units, "plan", broken)
    sites.label("node1", zone="b")
    run(ARRIVALS)
    assert not WorkKey.objects.get(key=ARRIVALS).failures
    assert sites.names() == ["g-a", "h-a", "h-b"]
    assert due() == {KEY, OTHER}


def test_two_grids_that_need_one_name_are_given_one_object(sites):
    sites.save(a_grid("g-x", template=a_template(app="third")))
    sites.settle()
    sites.label("node1", zone="y")
    sites.label("node2", zone="x-y")  # g-x-y is the name of g in x-y and of g-x in y
    run(ARRIVALS)
    assert sites.names().count("g-x-y") == 1
    assert sum(count for path, count in created("y") + created("x-y") if "h" not in path) == 3
    sites.settle()
    blocked = GridUnit.objects.filter(reason="NameConflict").values_list("grid__name", "name")
    assert len(blocked) == 1
    assert blocked[0] in [("g", "x-y"), ("g-x", "y")]


class Killed(BaseException):
    pass


def test_a_kill_between_the_writes_and_the_wishes_loses_nothing(sites, monkeypatch, settings):
    def killed(*_):
        raise Killed

    settings.SGPORTAL_LEASE_SECONDS = 1
    sites.label("node1", zone="b")
    monkeypatch.setattr(new_units.record, "record_writes", killed)
    monkeypatch.setattr(new_units.workqueue, "enqueue", killed)
    with pytest.raises(Killed):
        run(ARRIVALS)
    monkeypatch.undo()
    assert due() == set()
    sites.until(lambda: due() == {ARRIVALS})
    sites.settle()
    assert sites.names() == ["g-a", "g-b", "h-a", "h-b"]
    assert set(GridUnit.objects.filter(name="b").values_list("child", flat=True)) == {"g-b", "h-b"}


def test_many_at_once_are_a_change_of_the_whole(sites, monkeypatch):
    monkeypatch.setattr(new_units, "A_FEW", 1)
    sites.label("node1", zone="b")
    sites.label("node2", zone="c")
    run(ARRIVALS)
    assert sites.names() == ["g-a", "h-a"]
    run(KEY)
    assert sites.names() == ["g-a", "g-b", "g-c", "h-a"]
    assert GridUnit.objects.filter(name__in=["b", "c"]).count() == 2


def queries_of_arrivals():
    workqueue.enqueue([ARRIVALS])
    with CaptureQueriesContext(connection) as queries:
        run(ARRIVALS)
    return len(queries)


def test_a_look_for_newcomers_takes_the_same_queries_for_any_number_of_grids(sites):
    few = queries_of_arrivals()
    sites.save(*(a_grid(f"more{number}", template=a_template(app=f"more{number}")) for number in range(8)))
    sites.settle()
    assert queries_of_arrivals() == few


def test_newcomers_take_a_constant_number_of_queries_but_for_the_events(sites, monkeypatch):
    monkeypatch.setattr(new_units.record, "record_writes", lambda *_: None)
    sites.label("node1", zone="b")
    few = queries_of_arrivals()
    sites.save(*(a_grid(f"more{number}", template=a_template(app=f"more{number}")) for number in range(8)))
    sites.settle()
    sites.label("node2", zone="c")
    assert queries_of_arrivals() == few
    assert "more7-c" in sites.names()


def test_what_waited_for_the_cluster_waits_no_longer_once_it_answers(sites):
    WorkKey.objects.filter(key=ARRIVALS).update(failures=9, next_at=timezone.now() + timedelta(hours=1))
    enqueue.enqueue_all()
    assert due() == {ARRIVALS, KEY, OTHER}
