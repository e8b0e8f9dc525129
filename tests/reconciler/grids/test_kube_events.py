"""What `kubectl describe` says of a grid."""

import subprocess

import pytest

from sgportal.core.text import say
from sgportal.models import Grid, GridEvent
from sgportal.reconciler.grids.events import kube_events
from sgportal.reconciler.grids.events.grid_events import NewEvent
from sgportal.reconciler.grids.events.kube_events import MAX_MESSAGE, NAMED, digest
from sgportal.reconciler.grids.status import publish

from ..world import a_grid, a_template


def told(world, grid):
    """Reason → the Events of a grid."""
    found = {}
    for event in world.cluster.list("Event", grid.namespace, field_selector="reportingComponent=sgportal").items:
        assert event["involvedObject"]["uid"] == grid.cluster_uid
        found.setdefault(event["reason"], []).append(event)
    return found


def created(name, unit=""):
    why = say("not created in NodeUnit “%(unit)s” yet", unit=unit)
    return NewEvent(unit, "Created", say("x"), kind="Deployment", name=name, why=why)


def test_many_children_make_one_note_which_names_few():
    notes = digest(created(f"g-{number:03}", f"{number:03}") for number in range(200))
    assert [(note.type, note.reason) for note in notes] == [("Normal", "Created")]
    assert notes[0].message == (
        "created 200 Deployments: g-000, g-001, g-002 and 197 more (g-000: not created in NodeUnit “000” yet)"
    )


def test_few_are_all_named_and_their_common_reason_is_said_once():
    why = say("it differs in %(fields)s", fields="spec.replicas")
    both = [NewEvent(n, "Updated", say("x"), kind="Service", name=n, why=why) for n in ("a", "b")]
    assert digest(both)[0].message == "updated 2 Services: a and b (it differs in spec.replicas)"


def test_kinds_reasons_and_types_are_kept_apart_in_their_order():
    mixed = [created("a"), NewEvent("a", "NameConflict", say("taken"), warning=True), created("b")]
    assert [(note.type, note.reason) for note in digest(mixed)] == [("Normal", "Created"), ("Warning", "NameConflict")]
    assert digest(mixed)[1].message == "NodeUnit a: taken"


def test_a_message_fits_into_an_event():
    long = [NewEvent("", "Odd", say("%(text)s", text="ü" * 3000), warning=True)]
    assert len(digest(long)[0].message) == MAX_MESSAGE


def test_a_grid_says_what_was_made_for_it_and_that_it_is_ready(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template()))
    world.until_ready("g-a")
    events = told(world, grid)
    assert [event["message"] for event in events["Created"]] == [
        "Deployment “g-a” was created: not created in NodeUnit “a” yet"
    ]
    assert events["Ready"][0]["message"] == "all 1 NodeUnits are ready"
    assert {event["type"] for each in events.values() for event in each} == {"Normal"}


def test_however_many_units_there_are_events_are_few(world):
    nodes = [f"node{number}" for number in range(3)]
    for number, node in enumerate(nodes):
        world.label(node, zone=f"u{number}")
    grid = world.save(a_grid(template=a_template()))
    assert len(nodes) == NAMED
    world.change(grid, lambda m: m["spec"]["template"].update(a_template("img:2")))
    events = told(world, grid)
    assert [each["message"].partition(" (")[0] for each in events["Created"]] == [
        "created 3 Deployments: g-u0, g-u1 and g-u2"
    ]
    assert len(events["Updated"]) == 1
    assert 'spec.template.spec.containers[name="c"].image' in events["Updated"][0]["message"]


def test_a_finding_is_told_once_and_not_per_retry(world):
    world.label("node0", zone="a")
    taken = a_template()
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "g-a", "namespace": "default"}}
    world.cluster.apply({**body, "spec": taken})
    grid = world.save(a_grid(template=a_template()))
    for _ in range(3):
        world.later(600)
        world.resync()
    conflicts = told(world, grid)["NameConflict"]
    assert [(each["type"], each["count"]) for each in conflicts] == [("Warning", 1)]
    assert "g-a" in conflicts[0]["message"]


def test_the_same_news_again_is_counted(world):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template()))
    for _ in range(2):
        world.edit("g-a", {"spec": {"template": {"spec": {"priority": None}}, "replicas": 5}})
        world.resync()
    events = told(world, grid)["Updated"]
    assert [each["count"] for each in events] == [2]
    assert events[0]["firstTimestamp"] <= events[0]["lastTimestamp"]
    assert "spec.replicas" in events[0]["message"]


def test_an_invalid_custom_resource_says_so(world):
    world.cluster.apply(a_grid(template={**a_template(), "replica": 2}))
    from sgportal.reconciler.grids.resource import sync

    sync.observe("DeploymentGrid", "default", "g", world.get("g", "DeploymentGrid"))
    world.settle()
    events = told(world, Grid.objects.get())
    assert [each["type"] for each in events["InvalidSpec"]] == ["Warning"]


@pytest.mark.embedded_only
def test_events_that_cannot_be_written_stop_nothing(world, caplog):
    world.label("node0", zone="a")
    world.embedded.faults.add("status", code=403, path="/events", count=1000)
    grid = world.save(a_grid(template=a_template()))
    world.until_ready("g-a")
    world.embedded.faults.clear()
    grid.refresh_from_db()
    assert grid.state == "Ready"
    assert told(world, grid) == {}
    assert "Events could not be written" in caplog.text


def test_a_grid_that_lives_in_the_portal_only_has_no_events(world):
    grid = Grid(kind="DeploymentGrid", namespace="default", name="g")
    kube_events.emit(grid, [created("a")], world.cluster)
    assert world.cluster.list("Event", "default", field_selector="reportingComponent=sgportal").items == []


@pytest.mark.kubectl
@pytest.mark.embedded_only
def test_kubectl_describe_shows_them(world):
    world.label("node0", zone="a")
    world.save(a_grid(template=a_template()))
    command = ["kubectl", f"--kubeconfig={world.embedded.kubeconfig_path}", "describe", "dg", "g"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    assert "sgportal" in said.partition("Events:")[2]
    assert "Deployment “g-a” was created" in said


@pytest.mark.embedded_only
def test_what_is_noted_at_a_grid_is_told_although_its_own_reconcile_comes_first(world):
    """The reconcile publishes the whole status, so that nothing is left for the work that publishes it otherwise."""
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template()))
    publish.tell([grid], NewEvent("", "Odd", say("it is %(what)s", what="odd"), warning=True))
    world.change(grid, lambda m: m["spec"]["template"].update(a_template("img:2")))
    assert [each["count"] for each in told(world, grid)["Odd"]] == [1]
    assert not GridEvent.objects.filter(unsent__gt=0).exists()


@pytest.mark.embedded_only
def test_a_worker_that_dies_before_it_has_told_leaves_it_to_the_next_look(world, monkeypatch):
    world.label("node0", zone="a")
    grid = world.save(a_grid(template=a_template()))
    world.until_ready("g-a")
    before = told(world, grid)
    with monkeypatch.context() as patched:
        patched.setattr(kube_events, "send", lambda *_: None)  # as if it had died there
        world.change(grid, lambda m: m["spec"]["template"].update(a_template("img:2")))
    assert "Updated" not in told(world, grid)
    world.resync()
    assert [each["count"] for each in told(world, grid)["Updated"]] == [1]
    assert before.keys() < told(world, grid).keys()
