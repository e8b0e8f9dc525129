"""What people do with kubectl, on the timeline that everybody reads."""

from datetime import datetime, timedelta

from django.utils import timezone

from sgportal.cluster import MERGE_PATCH
from sgportal.core.access.scope import Bounds, Scope
from sgportal.core.names import RESTARTED_UNITS
from sgportal.core.text import say
from sgportal.models import AuditedUnit, AuditEvent, Grid, GridEvent
from sgportal.models.scopes.current import within
from sgportal.queries.fleet.activity import ActivityFilter, Timeline

from ..grids.test_homes import kubectl_apply, observe
from ..world import a_template


def test_what_somebody_does_with_kubectl_stands_on_the_timeline_once(world):
    world.label("node0", zone="a")
    kubectl_apply(world, template=a_template())
    kubectl_apply(world, template=a_template("two"))
    world.cluster.patch("DeploymentGrid", "default", "g", {"metadata": {"annotations": {"a": "b"}}}, MERGE_PATCH)
    observe(world)
    world.change(Grid.objects.get(), lambda manifest: manifest["spec"].update(template=a_template("three")))
    observe(world)
    assert [(each.actor, each.verb) for each in AuditEvent.objects.order_by("pk")] == [
        ("cluster", "create"),
        ("cluster", "change"),
        ("ada", "change"),
    ]
    changed, made = Timeline(ActivityFilter(kind="change", actor="cluster")).entries(10)
    assert made.at == datetime.fromisoformat(world.get("g", "DeploymentGrid")["metadata"]["creationTimestamp"])
    assert "img:1 → two" in str(changed.sentence)


def test_who_changed_a_site_tells_of_kubectl(world):
    world.label("node0", zone="a")
    kubectl_apply(world, template=a_template())
    world.settle()
    kubectl_apply(world, template=a_template("two"))
    of_site = Timeline(ActivityFilter(kind="change", group="zone", unit="a")).entries(10)
    assert [each.reason for each in of_site] == ["change", "create"]


def test_who_may_read_a_nodegroup_alone_sees_who_made_a_grid_of_it_with_kubectl(world):
    """The entry is as old as the custom resource, which is older than the row by what the watch took to see it."""
    world.label("node0", zone="a")
    kubectl_apply(world, template=a_template())
    kubectl_apply(world, template=a_template("two"))
    of_zone = Scope((Bounds(key="zone"),))
    with within(of_zone, of_zone):
        told = Timeline(ActivityFilter(kind="change")).entries(10)
    assert [each.reason for each in told] == ["change", "create"]


def test_the_grid_that_had_a_name_before_is_not_taken_for_the_one_that_has_it(world):
    """What happened to it after the next one was made with kubectl is not told to who may read the next one alone."""
    world.label("node0", zone="a")
    later = timezone.now() + timedelta(hours=1)
    AuditEvent.objects.create(actor="bo", door="rest", verb="delete", path="deploymentgrids/default/g", at=later)
    message = say("hidden").to_json()
    GridEvent.objects.create(path="deploymentgrids/default/g", reason="x", message=message, first_at=timezone.now())
    kubectl_apply(world, template=a_template())
    of_zone = Scope((Bounds(key="zone"),))
    with within(of_zone, of_zone):
        assert not GridEvent.objects.filter(reason="x").exists()
        assert AuditEvent.objects.filter(verb="create").exists()


def test_a_grid_that_is_made_invalid_with_kubectl_and_valid_again_is_told_of(world):
    """It was taken in never again: what it says of NodeUnits by name was read as if it were valid."""
    world.label("node0", zone="a")
    kubectl_apply(world, template=a_template())
    wrong = {"metadata": {"annotations": {RESTARTED_UNITS: "{"}}, "spec": {"templates": {"x" * 64: "big"}}}
    world.cluster.patch("DeploymentGrid", "default", "g", wrong, MERGE_PATCH)
    observe(world)
    assert Grid.objects.get().state == "Blocked"
    right = {"metadata": {"annotations": {RESTARTED_UNITS: None}}, "spec": {"templates": None}}
    world.cluster.patch("DeploymentGrid", "default", "g", right, MERGE_PATCH)
    observe(world)
    assert Grid.objects.get().state != "Blocked"
    assert AuditedUnit.objects.count() == 0
    told = Timeline(ActivityFilter(kind="change")).entries(10)
    assert [each.reason for each in told] == ["change", "change", "create"]
