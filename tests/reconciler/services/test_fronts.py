"""Plain Services beside a ServiceGrid's own, in a cluster: they list the pods they should, come and go with NodeUnits
and with the asking, and never take another's name."""

import pytest

from sgportal.actions import delete_grid
from sgportal.core.grids.grid import parse
from sgportal.core.names import FRONT, UNIT
from sgportal.models import DueCell, Grid, GridUnit
from sgportal.queries.plans import plan_for
from sgportal.reconciler.grids import reconcile

from ..world import ADA, a_grid, a_template, seed

LABELS = {"appGrid": "echo"}


def a_service(front=None, name="web", **template):
    manifest = seed("servicegrid")
    manifest["metadata"]["name"] = name
    manifest["spec"] |= {"gridUniqKey": "zone", "closure": {"mode": "open"}}
    manifest["spec"]["template"] = {"selector": LABELS, "ports": [{"port": 80, "targetPort": 5678}], **template}
    if front:
        manifest["spec"]["front"] = front
    return manifest


def listed(world, service):
    """The nodes of the endpoints that the cluster's own controller lists for a Service."""
    of_service = f"kubernetes.io/service-name={service}"
    slices = world.cluster.list("EndpointSlice", "default", label_selector=of_service).items
    return sorted(
        each["nodeName"] for body in slices for each in body.get("endpoints") or () if each["conditions"]["ready"]
    )


def asking(front):
    return lambda manifest: manifest["spec"].update(front=front)


def test_a_front_lives_as_long_as_it_is_asked_for(world):
    world.label("node0", zone="a")
    world.label("node1", zone="b")
    grid = world.save(a_service("all"))
    assert world.names("Service") == ["web-all", "web-svc"]
    assert world.get("web-all", "Service")["spec"]["selector"] == LABELS
    assert world.get("web-all", "Service")["metadata"]["ownerReferences"][0]["name"] == "web"
    assert Grid.objects.get().status["frontServices"] == 1

    world.change(grid, asking("perUnit"))
    assert world.names("Service") == ["web-a", "web-b", "web-svc"]
    assert world.get("web-a", "Service")["spec"]["selector"] == {**LABELS, UNIT: "a"}
    world.label("node2", zone="c")
    world.settle()
    assert world.names("Service") == ["web-a", "web-b", "web-c", "web-svc"]

    world.label("node2", zone=None)
    world.settle()
    assert "web-c" in world.names("Service")
    assert GridUnit.objects.get(name="c").reason == "FrontKept"
    world.later(7200)
    assert world.names("Service") == ["web-a", "web-b", "web-svc"]
    world.resync()
    assert not GridUnit.objects.filter(name="c").exists()

    world.change(grid, asking(None))
    assert world.names("Service") == ["web-svc"]
    assert "frontServices" not in Grid.objects.get().status


@pytest.mark.embedded_only
def test_more_fronts_than_one_task_may_make_are_made_by_the_next(world, monkeypatch):
    monkeypatch.setattr(reconcile, "MOST_STEPS", 1)
    for number in range(3):
        world.label(f"node{number}", zone=f"u{number}")
    world.save(a_service("perUnit"))
    assert world.names("Service") == ["web-svc", "web-u0", "web-u1", "web-u2"]
    assert not DueCell.objects.exists()


def test_what_others_do_to_a_front_is_mended(world):
    world.label("node0", zone="a")
    world.save(a_service("perUnit"))
    world.edit("web-a", {"spec": {"selector": {UNIT: "b"}, "type": "NodePort"}}, "Service")
    world.resync()
    spec = world.get("web-a", "Service")["spec"]
    assert (spec["selector"], spec["type"]) == ({**LABELS, UNIT: "a"}, "ClusterIP")


def test_anothers_service_of_that_name_is_never_taken_nor_removed(world):
    world.label("node0", zone="a")
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web-a", "namespace": "default"},
        "spec": {"selector": {"app": "other"}, "ports": [{"port": 1}]},
    }
    world.cluster.create(theirs)
    world.look()
    grid = world.save(a_service("perUnit"))
    cell = GridUnit.objects.get(name="a")
    assert (cell.state, cell.reason) == ("Blocked", "NameConflict")
    ready = next(each for each in Grid.objects.get().status["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NameConflict")
    assert GridUnit.objects.get(name="").state == "Ready"  # the grid's own Service is there all the same
    world.change(grid, asking(None))
    assert world.get("web-a", "Service")["spec"]["selector"] == {"app": "other"}
    assert FRONT not in (world.get("web-a", "Service")["metadata"].get("labels") or {})


def a_deployment(name, unit, **labels):
    template = a_template(replicas=1, nodeSelector={"zone": unit})
    metadata = template["template"]["metadata"]
    metadata["labels"] = {**metadata["labels"], **labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"}} | {
        "spec": template
    }


@pytest.mark.embedded_only
def test_a_unit_front_lists_the_pods_with_its_label_and_the_page_says_which_lack_it(world):
    for node, unit in (("node0", "a"), ("node1", "b")):
        world.label(node, zone=unit)
    world.cluster.create(a_deployment("one", "a", **{UNIT: "a"}))
    world.cluster.create(a_deployment("two", "b"))
    world.save(a_service("perUnit"))
    world.until(lambda: listed(world, "web-svc") == ["node0", "node1"])
    assert world.until(lambda: listed(world, "web-a")) == ["node0"]
    assert listed(world, "web-b") == []
    world.resync()
    notes = {cell.name: [reason for reason, _ in cell.told] for cell in GridUnit.objects.all()}
    assert notes == {"": [], "a": [], "b": ["PodsWithoutUnitLabel"]}


def test_a_headless_grid_gives_each_unit_a_headless_service_of_its_own(world):
    world.label("node0", zone="a")
    grid = world.save(a_service("perUnit", clusterIP="None"))
    assert world.get("web-a", "Service")["spec"]["clusterIP"] == "None"
    closed = next(each for each in Grid.objects.get().status["conditions"] if each["type"] == "Closed")
    assert (closed["status"], closed["reason"]) == ("False", "Headless")
    assert "front: perUnit" in closed["message"]
    world.change(grid, lambda manifest: manifest["spec"]["template"].pop("clusterIP"))
    world.resync()
    assert world.get("web-a", "Service")["spec"]["clusterIP"] not in ("None", "")
    assert world.get("web-svc", "Service")["spec"]["clusterIP"] == "None"  # it takes a person


def test_the_children_of_a_grid_are_behind_the_front_of_their_own_unit(world):
    for node, unit in (("node0", "a"), ("node1", "b")):
        world.label(node, zone=unit)
    world.save(a_grid("w", template=a_template()), a_service("perUnit"))
    world.until(lambda: listed(world, "web-a") == ["node0"] and listed(world, "web-b") == ["node1"])
    world.resync()
    assert [cell.told for cell in GridUnit.objects.filter(grid__name="web")] == [[], [], []]


def test_deleting_the_grid_takes_its_fronts_along(world):
    world.label("node0", zone="a")
    grid = world.save(a_service("perUnit"))
    assert world.names("Service") == ["web-a", "web-svc"]
    delete_grid(grid, ADA)
    world.settle()
    world.until(lambda: world.names("Service") == [])


@pytest.mark.embedded_only
@pytest.mark.parametrize(("front_", "units"), [("all", ["a"]), ("perUnit", ["a", "b"])])
def test_a_plan_shows_fronts_before_they_are_made(world, front_, units):
    for node, unit in zip(("node0", "node1"), units, strict=False):
        world.label(node, zone=unit)
    made = plan_for(parse(a_service(front_)), None)
    wanted = {"all": ["web-all"], "perUnit": ["web-a", "web-b"]}[front_]
    assert sorted(step.name for step in made.steps) == sorted([*wanted, "web-svc"])
