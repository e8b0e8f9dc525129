"""What people do with kubectl, on the timeline that everybody reads."""

from datetime import datetime

from sgportal.cluster import MERGE_PATCH
from sgportal.models import AuditEvent, Grid
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
