"""A NodeUnit that has just come gets its workloads before any grid is looked at whole."""

import pytest

from sgportal.models import Child, GridEvent, GridUnit, WorkKey
from sgportal.reconciler import arrivals
from sgportal.reconciler.reconcile import run

from .world import a_grid, a_template

KEY = "deploymentgrids/default/g"


@pytest.fixture
def sites(world):
    """A settled grid with one unit, `a`."""
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template()))
    world.until_ready("g-a")
    return world


def is_due():
    return WorkKey.objects.due().filter(key=KEY).exists()


def test_the_workload_comes_first_and_the_whole_look_after_those_that_wait(sites):
    sites.label("node1", zone="b")
    run(KEY)
    assert sites.names() == ["g-a", "g-b"]
    assert not GridUnit.objects.filter(name="b").exists()
    assert GridEvent.objects.filter(path=KEY, unit="b", reason="Created").count() == 1
    assert is_due()
    run(KEY)
    assert GridUnit.objects.get(name="b").child == "g-b"
    sites.settle()
    assert GridEvent.objects.filter(path=KEY, unit="b", reason="Created").count() == 1


def test_rows_that_are_behind_change_nothing(sites):
    """Our own child exists, and the watch has not said so."""
    Child.objects.all().delete()
    before = sites.get("g-a")
    sites.server.reset_counts()
    WorkKey.objects.update(requested=1000)
    run(KEY)
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
    assert GridUnit.objects.get(name="b").reason == "NameConflict"


@pytest.mark.embedded_only
def test_what_is_refused_is_told_by_the_whole_look_in_the_same_turn(sites):
    sites.embedded.faults.add("status", methods=["PATCH"], path="/deployments/g-b", code=403)
    sites.label("node1", zone="b")
    run(KEY)
    assert sites.names() == ["g-a"]
    assert GridUnit.objects.get(name="b").state == "Blocked"
    sites.embedded.faults.clear()
    sites.later(100)
    sites.settle()
    assert sites.names() == ["g-a", "g-b"]


def test_many_at_once_are_a_change_of_the_whole(sites, monkeypatch):
    monkeypatch.setattr(arrivals, "A_FEW", 1)
    sites.label("node1", zone="b")
    sites.label("node2", zone="c")
    run(KEY)
    assert sites.names() == ["g-a", "g-b", "g-c"]
    assert GridUnit.objects.filter(name__in=["b", "c"]).count() == 2
