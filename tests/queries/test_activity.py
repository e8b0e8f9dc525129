"""One timeline of changes, rollouts and incidents: filters, order, parts, scopes, both doors."""

import importlib
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from sgportal import actions
from sgportal.core.access.scope import NOTHING, Bounds, Scope
from sgportal.core.text import say
from sgportal.models import AuditedUnit, AuditEvent, Grid, GridEvent, LabelJob
from sgportal.models.scopes.current import within
from sgportal.queries.fleet.activity import ActivityFilter, Entry, Timeline
from tests.api import builders
from tests.api.conftest import Api
from tests.builders import a_grid
from tests.dashboard.conftest import browser

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
ADA = actions.Actor("ada", "shell")
WEB, DB = "deploymentgrids/shop/web", "deploymentgrids/other/db"


def audit(hours: int, verb: str, path: str, actor: str = "ada", kind: str = "change", **states: Any) -> None:
    row = AuditEvent.objects.create(actor=actor, door="page", verb=verb, path=path, kind=kind, **states)
    AuditEvent.objects.filter(pk=row.pk).update(at=NOW - timedelta(hours=hours))


def event(hours: int, reason: str, path: str, unit: str = "", type_: str = "Warning") -> None:
    at = NOW - timedelta(hours=hours)
    message = say("all pods are ready").to_json()
    GridEvent.objects.create(path=path, unit=unit, reason=reason, type=type_, message=message, last_at=at)


@pytest.fixture(autouse=True)
def history(db: None) -> None:
    for namespace, name, key in (("shop", "web", "site"), ("other", "db", "zone")):
        row = builders.grid(name, namespace=namespace, key=key)
        builders.cell(row, "lyon")
        type(row).objects.update(created_at=NOW - timedelta(days=1))  # before anything happened to it
    audit(9, "create", WEB)
    audit(8, "log-in", "users/ada", kind="access")
    audit(7, "label", "labeljobs/1", "olga", before={"n1": {}}, after={"site": "lyon"})
    AuditEvent.objects.get(verb="label").units.create(key="site", unit="lyon")
    event(6, "ImagePullBackOff", WEB, "lyon")
    event(5, "RolloutProgressing", WEB, type_="Normal")
    event(4, "Created", WEB, "lyon", type_="Normal")
    audit(3, "change", DB, "olga")
    event(2, "Failed", DB, "lyon")
    audit(1, "recreate", f"{WEB}#lyon", "olga")


def told(**wanted: Any) -> list[str]:
    return [each.reason for each in Timeline(ActivityFilter(**wanted)).entries(100)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["recreate", "Failed", "change", "RolloutProgressing", "ImagePullBackOff", "label", "create"]),
        ({"kind": "change"}, ["recreate", "change", "label", "create"]),
        ({"kind": "rollout"}, ["RolloutProgressing"]),
        ({"kind": "incident"}, ["Failed", "ImagePullBackOff"]),
        ({"actor": "olga"}, ["recreate", "change", "label"]),
        ({"grid": WEB}, ["recreate", "RolloutProgressing", "ImagePullBackOff", "create"]),
        ({"group": "site", "unit": "lyon"}, ["recreate", "ImagePullBackOff", "label", "create"]),
        ({"group": "zone", "unit": "lyon"}, ["Failed", "change"]),
        ({"since": NOW - timedelta(hours=3)}, ["recreate", "Failed", "change"]),
        ({"until": NOW - timedelta(hours=7), "actor": "ada"}, ["create"]),
    ],
)
def test_the_timeline_can_be_narrowed(wanted: dict[str, Any], expected: list[str]) -> None:
    assert told(**wanted) == expected
    assert Timeline(ActivityFilter(**wanted)).count() == len(expected)


def test_a_move_is_among_what_happened_to_both_nodeunits_and_to_no_other() -> None:
    """Each node with a value of its own, as pasted lines say; then taken back."""
    for number, site in enumerate(("lyon", "paris", "rome")):
        builders.node(f"n{number}", site=site)
    AuditEvent.objects.all().delete()
    job = actions.assign_units("site", {"n0": "bonn", "n1": "oslo", "n2": "rome"}, ADA, move=True)
    assert isinstance(job, LabelJob)
    for unit, expected in (("lyon", ["move"]), ("bonn", ["move"]), ("oslo", ["move"]), ("rome", []), ("n0", [])):
        assert told(kind="change", group="site", unit=unit) == expected
    assert told(kind="change", group="zone", unit="bonn") == []
    LabelJob.objects.update(state="done", results={n: {**each, "state": "done"} for n, each in job.results.items()})
    actions.undo_job(job.pk, ADA)
    assert told(kind="change", group="site", unit="oslo") == ["move", "move"]


def test_what_is_changed_in_one_nodeunit_is_in_the_story_of_no_other() -> None:
    """An image, replicas and a pause for some; then what is for all, which is in every story."""
    for number, site in enumerate(("lyon", "paris", "rome")):
        builders.node(f"n{number}", site=site)
    grid = a_grid("own", key="site", namespace="shop")
    for unit in ("lyon", "paris", "rome"):
        builders.cell(grid, unit)
    AuditEvent.objects.all().delete()
    actions.set_image(grid, ["lyon"], ADA, image="img:2")
    actions.scale(Grid.objects.get(pk=grid.pk), ["lyon", "rome"], ADA, replicas=2)
    actions.pause(Grid.objects.get(pk=grid.pk), ["rome"], ADA)

    def story(unit: str) -> list[str]:
        entries = Timeline(ActivityFilter(kind="change", group="site", unit=unit)).entries(100)
        return [str(each.sentence).partition("shop/own")[2] for each in entries]

    image, replicas, paused = ": lyon: image → img:2", ": lyon, rome: replicas → 2", " in rome"
    assert story("lyon") == [replicas, image]
    assert story("rome") == [paused, replicas]
    assert story("paris") == []
    actions.set_image(Grid.objects.get(pk=grid.pk), [], ADA, image="img:3")
    assert [len(story(unit)) for unit in ("lyon", "paris", "rome")] == [3, 1, 3]
    with within(Scope((Bounds(namespaces=("shop",)),)), NOTHING):
        assert story("paris") == [": template.template.spec.containers[0].image: registry.example/echo:1 → img:3"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("nodes/n1", {"site": "lyon", "rack": None}, {"site": "oslo", "rack": "r1"}),
        ("labeljobs/1", {"n1": {"site": "lyon"}, "n2": {"rack": "r1"}}, {"site": "oslo"}),
        ("labeljobs/2", {"n1": {"site": "lyon"}, "n2": {"rack": "r1"}}, {"n1": {"site": "oslo"}, "n2": {"site": None}}),
    ],
)
def test_what_an_older_version_noted_is_found_after_the_migration(path: str, before: Any, after: Any) -> None:
    AuditEvent.objects.all().delete()
    audit(1, "label", path, before=before, after=after)
    audit(2, "cordon", "labeljobs/3", before={"n1": {"unschedulable": False}}, after={})
    importlib.import_module("sgportal.migrations.0036_audited_units").find(apps, None)
    assert set(AuditedUnit.objects.values_list("key", "unit")) == {("site", "lyon"), ("site", "oslo"), ("rack", "r1")}
    assert told(kind="change", group="site", unit="oslo") == ["label"]


def test_it_is_read_in_parts_without_gap_or_repeat() -> None:
    AuditEvent.objects.update(at=NOW)
    GridEvent.objects.update(last_at=NOW)
    whole = Timeline(ActivityFilter()).entries(100)
    parts: list[Entry] = []
    while some := Timeline(ActivityFilter()).entries(2, parts[-1].place if parts else None):
        parts += some
    assert parts == whole
    assert len(whole) == 7


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (Bounds(namespaces=("shop",)), ["recreate", "RolloutProgressing", "ImagePullBackOff", "create"]),
        (Bounds(key="zone"), ["Failed", "change"]),
        (Bounds(key="site", units=("lyon",)), ["ImagePullBackOff"]),
        (Bounds(key="site", units=("paris",)), []),
    ],
)
def test_it_keeps_to_the_scope(bounds: Bounds, expected: list[str]) -> None:
    with within(Scope((bounds,)), NOTHING):
        assert told() == expected


def test_every_role_reads_it_over_rest_without_states_and_addresses() -> None:
    builders.heard()
    api = Api(builders.token(builders.user("vic", "viewer"), "read"))
    first = api.get("activity?limit=3").json()
    assert [each["message"] for each in first["items"]] == [
        "had the workload of DeploymentGrid shop/web (lyon) made anew",
        "all pods are ready",
        "changed DeploymentGrid other/db",
    ]
    rest = api.get(f"activity?limit=500&cursor={first['next']}").json()
    assert (len(rest["items"]), rest["next"]) == (4, None)
    assert {"before", "after", "address"}.isdisjoint(first["items"][0])
    chinese = api.get("activity?kind=change&limit=1", Accept_Language="zh-hans").json()["items"][0]["message"]
    assert "重新创建" in chinese
    for query, pointer in (("since=yesterday", "/since"), ("unit=lyon", "/unit"), ("kind=none", "/kind")):
        answer = api.get(f"activity?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_the_page_shows_it_and_gives_it_as_csv() -> None:
    viewer = browser("viewer")
    page = viewer.get("/activity/?group=site&unit=lyon").text
    assert "had the workload of DeploymentGrid shop/web (lyon) made anew" in page
    assert "other/db" not in page
    assert "/audit/" not in page
    rows = viewer.get("/activity/?format=csv").text.splitlines()
    assert len(rows) == 8
    assert viewer.get("/activity/?since=never").status_code == 400
    assert "/audit/?kind=access" in browser("admin").get("/activity/").text
