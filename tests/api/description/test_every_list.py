"""Every list answers 304 to whoever has it already, or it is said here why it does not."""

import json

import pytest

from sgportal.api.docs.views import description
from sgportal.models import AuditEvent, Grant, Grid, GridEvent, Journal, Revision

from . import world
from .contract import operations

DOCUMENT = json.loads(json.dumps(description()))
FEW = "so few rows of one table that asking for their version costs as much as reading them"
SEEN = "made of pods and Services whose every change the change log does not tell"
READ_ANEW = {
    "approvals": "what waits ends with time, too, of which no row tells",
    "decisions": "what is decided is bound to what was shown, which is never an old answer",
    "export": "manifests to be kept elsewhere, asked for once",
    "favourites": FEW,
    "grants": FEW,
    "notifications": FEW,
    "pods": SEEN,
    "saved-views": FEW,
    "service-tokens": FEW,
    "servicegrids/{namespace}/{name}/endpoints": SEEN,
    "services": SEEN,
    "services/{namespace}/{name}/endpoints": SEEN,
    "tokens": FEW,
}
NAMES = {"{namespace}": "default", "{name}": "web", "{key}": "zone1", "{unit}": "nodeunit1"}
OF_A_GROUP = ("nodeunits", "usage/nodeunits")
# What is read of a list that is known: who asks, what may be seen, the change log and the freshness, or newest rows.
MOST_STATEMENTS = 8


def lists():
    """The address of every list, with whether it is described to answer 304."""
    found = {}
    for name, operation in operations(DOCUMENT):
        method, path = name.split(" ")
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        schema = answer.get("schema", {})
        named = schema.get("$ref", "").rpartition("/")[2]
        fields = DOCUMENT["components"]["schemas"].get(named, schema).get("properties", {})
        if method == "GET" and {"items", "next"} <= fields.keys():
            found[path.removeprefix("/api/v1/")] = "304" in operation["responses"]
    return found


LISTS = lists()
KNOWN = [path for path, is_known in LISTS.items() if is_known]


def address(path):
    for name, value in NAMES.items():
        path = path.replace(name, "shop" if name == "{name}" and path.startswith("servicegroups") else value)
    return f"{path}?group=zone1" if path in OF_A_GROUP else path


@pytest.fixture
def ada(as_):
    world.fill(as_("olga"))
    return as_("ada")


def again(api, path, etag):
    return api.get(path, If_None_Match=etag)


def test_each_is_known_again_or_it_is_said_why_not():
    assert {path for path, is_known in LISTS.items() if not is_known} == READ_ANEW.keys()
    assert len(KNOWN) > 20


def test_nothing_is_sent_twice(ada, django_assert_max_num_queries):
    for path in map(address, KNOWN):
        first = ada.get(path)
        assert first.status_code == 200, path
        with django_assert_max_num_queries(MOST_STATEMENTS, info=path):
            answer = again(ada, path, first["ETag"])
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", first["ETag"]), path
        for other in ('W/"x"', ""):
            assert again(ada, path, other).status_code == 200, path


def test_what_the_change_log_does_not_tell_of_is_seen(ada):
    """Events, revisions, the audit trail and the timeline have no need of it, and change by rows alone."""
    grid = Grid.objects.get(kind="DeploymentGrid", name="web")
    one = f"deploymentgrids/{grid.namespace}/{grid.name}"
    paths = (f"{one}/events", f"{one}/revisions", "audit", "activity", "activity?group=zone1&unit=nodeunit1")
    events, revisions, audit, timeline, of_unit = paths

    def changed_by(write):
        before = {path: ada.get(path)["ETag"] for path in paths}
        write()
        return {path for path, etag in before.items() if again(ada, path, etag).status_code == 200}

    assert changed_by(lambda: Journal.objects.create(kind="grid", key=grid.path)) == set()
    message = {"id": "m", "params": {}}
    fresh = {"path": grid.path, "reason": "Ready", "message": message}
    told = {events, timeline, of_unit}
    assert changed_by(lambda: GridEvent.objects.create(**fresh)) == told
    assert changed_by(lambda: GridEvent.objects.filter(reason="Ready").update(count=7)) == told
    assert changed_by(lambda: GridEvent.objects.filter(reason="Ready").delete()) == told
    said = {"actor": "olga", "door": "rest", "verb": "x", "path": grid.path}
    assert changed_by(lambda: AuditEvent.objects.create(**said)) == {audit, timeline, of_unit}
    kept = {"grid": grid, "path": grid.path, "number": 99, "spec": {}, "author": "olga"}
    assert changed_by(lambda: Revision.objects.create(**kept)) == {revisions}


def test_a_row_that_was_committed_late_is_seen(ada):
    """It took its number before one that was committed sooner."""
    late = AuditEvent.objects.create(actor="a", door="rest", verb="x", path="p").pk
    AuditEvent.objects.filter(pk=late).delete()
    AuditEvent.objects.create(actor="b", door="rest", verb="x", path="p")
    known = ada.get("audit")["ETag"]
    AuditEvent.objects.create(pk=late, actor="a", door="rest", verb="x", path="p")
    assert again(ada, "audit", known).status_code == 200


def test_what_is_gone_is_not_unchanged(ada):
    grid = Grid.objects.get(kind="DeploymentGrid", name="web")
    path = f"{grid.path}/events"
    known = ada.get(path)["ETag"]
    Grid.objects.filter(pk=grid.pk).delete()
    for named in (known, "*"):
        assert again(ada, path, named).status_code == 404


def test_who_sees_a_part_follows_what_the_part_is_made_of(as_, ada, people):
    """Which grids are in a scope changes without a word in the audit trail."""
    people["mallory"].groups.clear()
    Grant.objects.create(user=people["mallory"], role="viewer", namespaces="default")
    known = as_("mallory").get("activity")["ETag"]
    assert again(as_("mallory"), "activity", known).status_code == 304
    Journal.objects.create(kind="grid", key="x")
    assert again(as_("mallory"), "activity", known).status_code == 200
    assert again(as_("mallory"), "activity", ada.get("activity")["ETag"]).status_code == 200
