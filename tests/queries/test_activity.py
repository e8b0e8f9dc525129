"""One timeline of changes, rollouts and incidents: filters, order, parts, scopes, both doors."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sgportal.core.access.scope import NOTHING, Bounds, Scope
from sgportal.core.text import say
from sgportal.models import AuditEvent, GridEvent
from sgportal.models.scopes.current import within
from sgportal.queries.fleet.activity import ActivityFilter, Entry, Timeline
from tests.api import builders
from tests.api.conftest import Api
from tests.dashboard.conftest import browser

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
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
    audit(9, "create", WEB)
    audit(8, "log-in", "users/ada", kind="access")
    audit(7, "label", "labeljobs/1", "olga", before={"n1": {}}, after={"site": "lyon"})
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
