"""What is answered is what is described: every operation, in a filled world, in both languages, and when refused."""

import json

import pytest
from django.db import transaction

from sgportal.api.docs.views import description
from sgportal.models import (
    ApiToken,
    Approval,
    Favourite,
    Grant,
    LabelJob,
    ManagedCluster,
    Node,
    NotificationChannel,
    Rollout,
    SavedView,
    ServiceToken,
)
from sgportal.reconciler.discovery import superedge
from sgportal.reconciler.discovery.superedge import ControllerObservation
from sgportal.reconciler.fleet import halt

from .. import builders
from ..conftest import Api
from . import world
from .contract import operations
from .validation import Described

# What is passed on as it comes; tests/api/server and tests/reconciler/live hold them.
POD = "/api/v1/pods/{namespace}/{name}"
STREAMS = ("GET /api/v1/events", f"GET {POD}/log", f"POST {POD}/exec")
DESCRIBED = Described(json.loads(json.dumps(description())))
OPERATIONS = [name for name, _ in operations(DESCRIBED.document) if name not in STREAMS]
TRY = "?dryRun=All"


@pytest.fixture
def ada(as_, monkeypatch, settings):
    """An administrator's session, in which all may be done, and a filled world."""
    monkeypatch.setattr(superedge, "look", lambda cluster: ControllerObservation("v1.37.2", (), (), ()))
    monkeypatch.setattr("sgportal.reconciler.process.connection.reading", lambda: None)
    monkeypatch.setattr("sgportal.reconciler.live.objects.reading", world.LookedUp)

    def written(name, changes, check=None, author=""):
        Node.objects.filter(name=name).update(labels=dict(changes))

    monkeypatch.setattr("sgportal.reconciler.label_jobs.write", written)
    settings.SGPORTAL_METRICS_SERVER = True
    world.fill(as_("olga"))
    return as_("ada")


def of_grids(plural, kind):
    """The calls about grids of one kind: per operation (query, body, the status to be met)."""
    one = f"{plural}/default/web"
    new = builders.manifest("new", kind)
    unit = {} if kind == "ServiceGrid" else {"unit": "nodeunit1"}
    units = {"units": ["nodeunit1"]}
    patch = {"metadata": {"labels": {"a": "b"}}}
    found = {
        f"GET {plural}": [("", None, 200), ("?labelSelector=!x", None, 200)],
        f"POST {plural}": [(TRY, new, 200), ("", new, 201)],
        f"GET {one}": [("", None, 200)],
        f"PUT {one}": [(TRY, builders.manifest("web", kind), 200), ("", builders.manifest("web", kind), 200)],
        f"PATCH {one}": [(TRY, patch, 200), ("", patch, 200)],
        f"DELETE {one}": [(TRY, None, 200), ("", None, 202)],
        f"GET {one}/plan": [("", None, 200)],
        f"GET {one}/revisions": [("", None, 200)],
        f"GET {one}/revisions/diff": [("?from=1&to=1", None, 200)],
        f"POST {one}/restore": [(TRY, {"revision": 1}, 200), ("", {"revision": 1}, 200)],
        f"GET {one}/events": [("", None, 200)],
        f"POST {one}/recreate": [(TRY, unit, 200), ("", unit, 202)],
        f"POST {one}/pause": [(TRY, {}, 200), ("", {}, 200)],
        f"POST {one}/resume": [(TRY, {}, 200), ("", {}, 200)],
    }
    if kind == "ServiceGrid":
        return {**found, f"GET {one}/endpoints": [("", None, 200)]}
    of_workloads = {
        f"GET {one}/units": [("", None, 200)],
        f"POST {one}/pin": [(TRY, {**units, "revision": 1}, 200), ("", {**units, "revision": 1}, 202)],
        f"POST {one}/unpin": [(TRY, units, 200), ("", units, 202)],
        f"POST {one}/approve-units": [(TRY, {"units": ["nodeunit1"]}, 200), ("", {"units": ["nodeunit1"]}, 200)],
        f"POST {one}/restart": [(TRY, {}, 200), ("", {"units": ["nodeunit1"]}, 200)],
        f"POST {one}/image": [(TRY, {"image": "img:2"}, 200), ("", {"image": "img:2"}, 200)],
        f"POST {one}/scale": [(TRY, {"replicas": 2}, 200), ("", {"replicas": 2}, 200)],
        f"GET {one}/rollout": [("", None, 200)],
        f"GET {one}/rollout/units": [("", None, 200)],
        f"POST {one}/rollout/skip": [(TRY, units, 200), ("", {}, 202)],
        **{
            f"POST {one}/rollout/{verb}": [(TRY, None, 200), ("", None, 202)]
            for verb in ("start", "pause", "resume", "approve", "abort", "rollback")
        },
        f"GET {one}/effective": [("?unit=nodeunit1", None, 200)],
        f"DELETE {one}/unused-templates": [(TRY, None, 200), ("", None, 200)],
    }
    return {**found, **of_workloads}


LABELS = {"nodes": ["node0"], "set": {"zone1": "nodeunit3"}}
NODE_POOL = {
    "apiVersion": "apps.openyurt.io/v1beta2",
    "kind": "NodePool",
    "metadata": {"name": "north"},
    "status": {"nodes": ["node0"]},
}
BUNDLE = [builders.manifest("new"), builders.manifest("other", "ServiceGrid")]
CALLS = {
    **{name: calls for plural, kind in world.KINDS.items() for name, calls in of_grids(plural, kind).items()},
    "GET services": [("", None, 200)],
    "GET services/default/byhand/endpoints": [("", None, 200)],
    "GET servicegroups": [("", None, 200)],
    "POST servicegroups": [
        (TRY, {**world.package(), "metadata": {"name": "new", "namespace": "n"}}, 200),
        ("", {**world.package(), "metadata": {"name": "new", "namespace": "n"}}, 201),
    ],
    "GET servicegroups/default/shop": [("", None, 200)],
    "GET servicegroups/default/shop/export": [("", None, 200)],
    "GET servicegroups/default/shop/revisions": [("", None, 200)],
    "GET servicegroups/default/shop/revisions/diff": [("?from=1&to=1", None, 200)],
    "POST servicegroups/default/shop/restore": [(TRY, {"revision": 1}, 200), ("", {"revision": 1}, 200)],
    "GET servicegroups/default/shop/rollout": [("", None, 200)],
    "GET servicegroups/default/shop/rollout/units": [("", None, 200)],
    "POST servicegroups/default/shop/rollout/skip": [(TRY, {"units": ["nodeunit1"]}, 200), ("", {}, 202)],
    **{
        f"POST servicegroups/default/shop/rollout/{verb}": [(TRY, None, 200), ("", None, 202)]
        for verb in ("start", "pause", "resume", "approve", "abort", "rollback")
    },
    "PUT servicegroups/default/shop": [(TRY, world.package(), 200), ("", world.package(), 200)],
    "DELETE servicegroups/default/shop": [(TRY, None, 200), ("", None, 202)],
    "POST apply": [(TRY, BUNDLE, 200), ("", BUNDLE, 200)],
    "GET export": [("", None, 200), ("?limit=1", None, 200)],
    "POST import": [(TRY, NODE_POOL, 200), ("", NODE_POOL, 202)],
    "GET nodes": [("", None, 200)],
    "POST nodes/label": [(TRY, LABELS, 200), ("", LABELS, 202)],
    **{
        f"POST nodes/{verb}": [(TRY, {"nodes": ["node2"]}, 200), ("", {"nodes": ["node2"]}, 202)]
        for verb in ("cordon", "uncordon", "drain")
    },
    "GET nodes/node0": [("", None, 200)],
    "PATCH nodes/node0": [
        (TRY, {"metadata": {"labels": {"zone1": "nodeunit3"}}}, 200),
        ("", {"metadata": {"labels": {"zone1": "nodeunit3"}}}, 200),
    ],
    "GET nodes/node0/events": [("", None, 200)],
    "GET pods": [("?grid=deploymentgrids/default/web&unit=nodeunit1", None, 200)],
    "GET pods/default/p0": [("", None, 200)],
    "GET pods/default/p0/events": [("", None, 200)],
    "GET cell-events": [("?grid=deploymentgrids/default/web&unit=nodeunit1", None, 200)],
    "GET jobs": [("", None, 200)],
    "GET jobs/{id}": [("", None, 200)],
    "POST jobs/{id}/undo": [("", None, 202)],
    "GET nodegroups": [("?all=true", None, 200)],
    "GET nodeunits": [("?group=zone1", None, 200)],
    "GET nodeunits/zone1/nodeunit1/history": [("", None, 200)],
    "GET nodeunits/zone1/nodeunit1/changes": [("", None, 200), ("?limit=1", None, 200)],
    "GET cluster": [("", None, 200)],
    "POST cluster/crds": [("", {}, 202)],
    "GET decisions": [("", None, 200)],
    "POST decisions": [(TRY, "held", 200), ("", "held", 200)],
    "POST superedge/takeover": [(TRY, {}, 200), ("", {"force": True}, 200)],
    "POST superedge/handback": [(TRY, {}, 200), ("", {}, 202)],
    "POST cluster/decision": [(TRY, "halt", 200), ("", "halt", 200)],
    "GET activity": [("", None, 200), ("?kind=change&limit=1", None, 200)],
    "GET usage": [("", None, 200)],
    "GET usage/nodes": [("", None, 200)],
    "GET usage/nodeunits": [("?group=zone1", None, 200)],
    "GET usage/grids": [("", None, 200)],
    "GET usage/cells": [("?grid=deploymentgrids/default/web", None, 200)],
    "GET usage/pods": [("?namespace=default", None, 200)],
    "GET causes": [("?group=zone1", None, 200), ("?grid=deploymentgrids/default/echo&unit=nodeunit1", None, 200)],
    "GET overview": [("?group=zone1", None, 200)],
    "GET me": [("", None, 200)],
    "GET tokens": [("", None, 200)],
    "POST tokens": [("", {"name": "n"}, 201)],
    "DELETE tokens/{id}": [("", None, 204)],
    "GET grants": [("", None, 200)],
    "POST grants": [("", {"group": "site-staff", "role": "viewer", "namespaces": ["default"]}, 201)],
    "DELETE grants/{id}": [("", None, 204)],
    "GET notifications": [("", None, 200)],
    "POST notifications": [("", {"name": "night", "url": "jsons://hooks.example/x", "topics": ["units"]}, 201)],
    "GET notifications/{id}": [("", None, 200)],
    "DELETE notifications/{id}": [("", None, 204)],
    "POST notifications/{id}/test": [("", None, 202)],
    "GET service-tokens": [("", None, 200)],
    "POST service-tokens": [("", {"name": "deployer", "role": "operator", "namespaces": ["default"]}, 201)],
    "DELETE service-tokens/{id}": [("", None, 204)],
    "GET saved-views": [("", None, 200)],
    "POST saved-views": [("", {"name": "new", "address": "/nodes/?ready=Unknown", "shared": True}, 201)],
    "DELETE saved-views/{id}": [("", None, 204)],
    "GET approvals": [("", None, 200)],
    "GET approvals/{id}": [("", None, 200)],
    "POST approvals/{id}": [("", {"choice": "refuse"}, 200)],
    "GET favourites": [("", None, 200)],
    "POST favourites": [("", {"kind": "NodeUnit", "name": "nodeunit1", "nodeGroup": "zone1"}, 201)],
    "DELETE favourites/{id}": [("", None, 204)],
    "GET audit": [("", None, 200)],
    "GET schema": [("", None, 200)],
}
SEEN = {"uid": "here", "seen": "there", "grids": 3}
LANGUAGES = ("en", "zh-hans")


def parts(name):
    """The method, the path and the operation of a call."""
    method, path = name.split()
    asked = f"/api/v1/{path}".split("/")

    def fits(operation):
        told, where = operation.split()
        places = where.split("/")
        alike = zip(places, asked, strict=False)
        return told == method and len(places) == len(asked) and all(a == b or a.startswith("{") for a, b in alike)

    return method, path, min(filter(fits, DESCRIBED.operations), key=lambda each: each.count("{"))


def test_every_operation_is_called_here():
    assert {parts(name)[2] for name in CALLS} == set(OPERATIONS)


def prepared(ada, people, name, body):
    """The caller, the path and the body of a call, once the world is as it needs it."""
    if name in ("GET cluster", "GET causes", "GET overview", "POST superedge/takeover"):
        world.looked()
    if name.endswith(("rollout/start", "rollout/resume")):
        Rollout.objects.update(phase="Aborted" if name.endswith("start") else "Paused")
    if body == "held":
        waiting = [each["id"] for each in ada.get("decisions").json()["items"]]
        return ada, name, {"choice": "restore", "items": waiting}
    if body == "halt" or name == "GET cluster":
        ManagedCluster.objects.update_or_create(defaults={"uid": "here"})
        halt.begin("another-cluster", SEEN)
        return ada, name, body and {"choice": "restore", "halt": ManagedCluster.now().halt_id}
    if "{id}" in name:
        made = {
            "jobs": LabelJob.objects.first,
            "service-tokens": lambda: ServiceToken.issue("spare", "viewer", 1)[0],
            "tokens": lambda: ApiToken.issue(people["ada"], "t")[0],
            "notifications": lambda: NotificationChannel.objects.create(name="n", url="jsons://h/x", topics="units"),
            "saved-views": lambda: SavedView.objects.create(user=people["ada"], name="v", address="/nodes/"),
            "favourites": lambda: Favourite.objects.create(
                user=people["ada"], kind="NodeUnit", place="zone1", name="nodeunit1"
            ),
            "approvals": Approval.objects.first,
            "grants": lambda: Grant.objects.create(user=people["vic"], role="viewer"),
        }
        row = next(make() for noun, make in made.items() if noun in name)
        name = name.replace("{id}", str(row.pk))
    return session_of(people["ada"]) if is_for_sessions(name) else ada, name, body


def is_for_sessions(name):
    """Whether no token may ask for this."""
    return name.startswith("POST") and (name.endswith("tokens") or "approvals" in name)


def session_of(person):
    """A caller who is logged in."""
    caller = Api()
    caller.client.force_login(person)
    return caller


NOUNS = sorted({name.split()[1].partition("/")[0] for name in CALLS})


@pytest.mark.slow
@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_answered_is_what_is_described(ada, people, noun):
    about = [(name, *call) for name in CALLS if name.split()[1].partition("/")[0] == noun for call in CALLS[name]]
    for name, query, sent, status in about:
        with transaction.atomic():
            for operation, answer in answers(ada, people, name, query, sent):
                assert answer.status_code == status, answer.content
                assert DESCRIBED.faults(operation, answer) == []
            transaction.set_rollback(True)


def answers(ada, people, name, query, sent):
    """The answers to one call, each with its operation; what is only read is asked in both languages and types."""
    caller, where, body = prepared(ada, people, name, sent)
    method, path, operation = parts(where)
    tag = {"If_Match": "*"} if method in ("PUT", "PATCH", "DELETE") or "restore" in path else {}
    ways = [(language, kind) for language in LANGUAGES for kind in ("*/*", "application/yaml")]
    if path == "schema":
        ways = ways[:1]  # the same in every language, and slow to read as YAML
    for language, kind in ways if method == "GET" or query == TRY else [("en", "*/*")]:
        headers = {"Accept_Language": language, "Accept": kind}
        yield operation, caller(method, path + query, body, **tag, **headers)


def test_every_list_had_something_in_it(ada):
    """Else the test above would hold nothing against the description."""
    lists = [name.split()[1] for name, calls in CALLS.items() if "[]" not in name and calls[0][0] in ("", "?all=true")]
    pages = {path: ada.get(path).json() for path in lists if f"GET {path}" in CALLS and "{" not in path}
    filled = {path: bool(body["items"]) for path, body in pages.items() if "items" in body}
    assert len(filled) > 15
    assert [path for path, has in filled.items() if not has] == []
    steps = ada.get("deploymentgrids/default/web/plan").json()["steps"]
    assert any(step["changes"] for step in steps)
    web = ada.get("servicegrids/default/web").json()
    assert web["status"]["remedies"]


def refusals(name, body):
    """Calls that are refused: (caller, the end of the path, body, headers, the status to be met)."""
    method, path = name.split()
    yield "", "", body, {}, 401
    yield "mallory", "", body, {}, 403
    yield "ada", "", body, {"Accept": "text/html"}, 406
    yield "ada", "?nonsense=1", body, {}, 422
    if method in ("POST", "PUT", "PATCH"):
        yield "ada", "", b"{", {"If_Match": "*"}, 400
        yield "ada", "", b"{}", {"If_Match": "*", "Content_Type": "text/plain"}, 415
        yield "ada", "", {"nonsense": 1}, {"If_Match": "*"}, 422
    if method in ("PUT", "PATCH", "DELETE") and "grids/" in path:
        yield "ada", "", body, {}, 428
        yield "ada", "", body, {"If_Match": '"stale"'}, 412
    if "default/" in path:
        yield "ada", "-not", body, {"If_Match": "*"}, 404


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_refused_is_refused_as_described(ada, as_, people, language):
    callers = {"ada": ada, "mallory": as_("mallory"), "": Api()}
    session = session_of(people["ada"])
    met, sentences = set(), set()
    for name, calls in CALLS.items():
        if "{id}" in name:
            continue
        method, path, operation = parts(name)
        body = calls[0][1] if not isinstance(calls[0][1], str) else {"choice": "follow", "items": ["0"]}
        for who, end, sent, headers, status in refusals(name, body):
            asked = calls[0][0] if method == "GET" else ""
            where = path.replace("default/", "default/not-") + asked if end == "-not" else path + end
            caller = session if who == "ada" and name in ("POST tokens", "POST service-tokens") else callers[who]
            answer = caller(method, where, sent, Accept_Language=language, **headers)
            assert answer.status_code == status, (name, answer.content)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert DESCRIBED.faults(operation, answer) == []
            met.add(status)
            sentences.add(answer.json()["detail"])
    assert met == {400, 401, 403, 404, 406, 412, 415, 422, 428}
    assert all(any("一" <= letter <= "鿿" for letter in each) == (language != "en") for each in sentences)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"extra": 1}, "'extra'"),
        ({"nodes": "many"}, "'many' is not of type"),
        ({"state": "Fine"}, "'Fine' is not one of"),
        ({"pods": {"desired": 1}}, "'ready' is a required property"),
        ({"nodes": -1}, "-1 is less than"),
    ],
)
def test_an_answer_that_is_not_as_described_is_found(ada, change, fault):
    page = ada.get("nodeunits?group=zone1").json()
    schema = DESCRIBED.operations["GET /api/v1/nodeunits"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert DESCRIBED.body_faults(schema, page) == []
    page["items"][0].update(change)
    (found,) = DESCRIBED.body_faults(schema, page)
    assert fault in found
