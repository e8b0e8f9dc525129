"""What bad input gets: a problem that names the field and says what would be right; nothing is stored."""

import ast
import copy
import json
import re
from typing import Any

import pytest
from django.utils.translation import gettext, override

from sgportal.models import ApiToken, AuditEvent, Grid, LabelJob, WorkKey
from tests.house import tree

from .. import builders
from ..conftest import Api, pointers

pytestmark = pytest.mark.django_db
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def world(db):
    builders.walkthrough()


@pytest.fixture(autouse=True)
def nothing_stored(db):
    yield
    assert not Grid.objects.exists()
    assert not WorkKey.objects.exists()
    assert not AuditEvent.objects.exists()
    assert not LabelJob.objects.exists()


def bad(path: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """A valid manifest with one field replaced ("a.b.0"), or removed where no value is given."""
    found = builders.manifest(**more)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("|")]
    place: Any = found
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = copy.deepcopy(value)
    return found


POD = "spec|template|template|spec|containers|0"
CASES = [
    (
        bad("spec|template|replica", 2),
        "/spec/template/replica",
        "unknown field “replica”; did you mean “replicas”?",
    ),
    (bad("spec|replicas", 2), "/spec/replicas", "“replicas” belongs in spec.template"),
    (
        bad(f"{POD}|imagePullPolice", "Always"),
        "/spec/template/template/spec/containers/0/imagePullPolice",
        "unknown field “imagePullPolice”; did you mean “imagePullPolicy”?",
    ),
    (bad("spec|template|replicas", "2"), "/spec/template/replicas", "must be a whole number, not “2”"),
    (bad("spec|template|replicas", True), "/spec/template/replicas", "must be a whole number, not true"),
    (bad("spec|template|replicas", -1), "/spec/template/replicas", "must not be negative"),
    (bad("spec|gridUniqKey"), "/spec/gridUniqKey", "is required"),
    (bad("spec|gridUniqKey", "zone 1"), "/spec/gridUniqKey", "“zone 1” is not a label key"),
    (bad("spec|gridUniqKey", "-zone"), "/spec/gridUniqKey", "“-zone” is not a label key"),
    (bad("spec|gridUniqKey", "Bad_Prefix/zone"), "/spec/gridUniqKey", "“Bad_Prefix/zone” is not a label key"),
    (bad("spec|templates", {"Zone!": "x"}), "/spec/templates/Zone!", "“Zone!” is not a label value"),
    (bad("spec|template|selector"), "/spec/template/selector", "is required"),
    (bad("spec|template|selector|matchLabels", {}), "/spec/template/selector", "is required: an empty selector"),
    (
        bad("spec|template|selector|matchLabels", {"appGrid": "other"}),
        "/spec/template/selector",
        "does not match the labels of the pod template (appGrid=echo)",
    ),
    (bad("metadata|name", "a" * 60), "/metadata/name", "is too long: with “-nodeunit1” behind it"),
    (bad("metadata|name", "Echo"), "/metadata/name", "“Echo” is not a name"),
    (bad("metadata|name"), "/metadata/name", "is required"),
    (bad("metadata|namespace", "Shop"), "/metadata/namespace", "“Shop” is not a namespace"),
    (bad("apiVersion", "v1"), "/apiVersion", "must be “superedge.io/v1”"),
    (bad("kind", "Grid"), "/kind", "must be one of DeploymentGrid, StatefulSetGrid, ServiceGrid"),
    (bad("spec", []), "/spec", "must be an object, not […]"),
    (bad(f"{POD}|image"), "/spec/template/template/spec/containers/0/image", "is required"),
    (bad("spec|template|template|spec|containers", []), "/spec/template/template/spec/containers", "at least one"),
    (
        bad("metadata|labels", {"app": "<script>alert(1)</script>"}),
        "/metadata/labels/app",
        "“<script>alert(1)</script>” is not a label value",
    ),
    (bad("metadata|labels", {"区域": "x"}), "/metadata/labels/区域", "“区域” is not a label key"),
    (bad("metadata|labels", {"zone": "北京"}), "/metadata/labels/zone", "“北京” is not a label value"),
    (bad("metadata|labels", {"a~b/c": "x"}), "/metadata/labels/a~0b~1c", "“a~b/c” is not a label key"),
]


@pytest.mark.parametrize(("manifest", "pointer", "sentence"), CASES, ids=[f"{n}{c[1]}" for n, c in enumerate(CASES)])
def test_the_field_is_named_and_what_would_be_right(api, manifest, pointer, sentence):
    for path in ("deploymentgrids", "apply", "deploymentgrids?dryRun=All"):
        answer = api.post(path, manifest)
        assert answer.status_code == 422, answer.content
        assert answer["Content-Type"] == "application/problem+json"
        assert pointers(answer)[pointer].startswith(sentence)


def test_all_problems_are_told_at_once(api):
    manifest = bad("spec|template|replicas", "two")
    manifest["spec"]["gridUniqkey"] = "zone1"
    manifest["metadata"]["name"] = "_"
    answer = api.post("deploymentgrids", manifest)
    assert set(pointers(answer)) == {"/metadata/name", "/spec/gridUniqkey", "/spec/template/replicas"}


def test_a_problem_has_the_members_of_rfc_9457(api):
    answer = api.post("deploymentgrids", {}, X_Request_Id="my-request-1")
    body = answer.json()
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["status"] == 422
    assert body["detail"]
    assert body["instance"] == "/api/v1/deploymentgrids"
    assert body["requestId"] == answer["X-Request-Id"] == "my-request-1"


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
UNREADABLE = [
    (
        b"apiVersion: superedge.io/v1\nkind: a\nkind: b\n",
        "application/yaml",
        "line 3: duplicate key “kind”, first in line 2; remove one of them",
    ),
    (BOMB, "application/yaml", "line 2: aliases are not accepted; in the place of “*a” write out what stands at “&a”"),
    (b"a: [", "application/yaml", "the body is not YAML: line 2, column 1"),
    (b"\xff", "application/yaml", "the body is not UTF-8 text"),
    (b"a:\n\tb: 1", "application/yaml", "line 2, column 1: a tab; YAML is indented with spaces"),
    (b"\xff\xfea", "application/json", "the body is not UTF-16-LE text; save it as UTF-8"),
    (b"a: 1\n---\nb: 2\n", "application/yaml", "exactly one document is expected, not 2"),
    (b"- a\n", "application/yaml", "each document must be an object"),
    (b"[" * 100 + b"]" * 100, "application/yaml", "the document is nested more than 64 levels deep"),
    (b"a: .nan", "application/yaml", "nan cannot be stored"),
    (
        b'{"kind": "a",\n "kind": "b"}',
        "application/json",
        "line 2: duplicate key “kind”, first in line 1; remove one of them",
    ),
    (b'{"kind": NaN}', "application/json", "nan cannot be stored"),
    (b'{"kind": 1e999}', "application/json", "inf cannot be stored"),
    (b'{"kind": "\\u0000"}', "application/json", "'\\x00' cannot be stored"),
    (b'{"kind": "\\ud800"}', "application/json", "'\\ud800' cannot be stored"),
    (b'{"kind": ' + b"9" * 30 + b"}", "application/json", "999999999999999999999999999999 cannot be stored"),
    (b'{"kind":', "application/json", "the body is not JSON: line 1, column 9"),
    (b"[" * 3000, "application/json", "the body is not JSON"),
    (b"[" * 100 + b"]" * 100, "application/json", "the document is nested more than 64 levels deep"),
    (b"[{}, {}]", "application/json", "exactly one document is expected, not 2"),
]


@pytest.mark.parametrize(("body", "kind", "sentence"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_refused(api, body, kind, sentence):
    answer = api("POST", "deploymentgrids", body, Content_Type=kind)
    assert answer.status_code == 400, answer.content
    assert pointers(answer)[""].startswith(sentence)


@pytest.mark.parametrize("kind", ["application/yaml", "application/json"])
@pytest.mark.parametrize("path", ["deploymentgrids", "apply", "nodes/label"])
def test_two_megabytes_are_too_much(api, kind, path):
    answer = api("POST", path, b"a: " + b"x" * 2 * 1024 * 1024, Content_Type=kind)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "the body is larger than 1048576 bytes"


@pytest.mark.parametrize("kind", ["text/html", "multipart/form-data; boundary=x", "application/xml", "garbage", ";"])
def test_other_types_are_refused(api, kind):
    answer = api("POST", "deploymentgrids", b"a: 1", Content_Type=kind)
    assert answer.status_code == 415
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0, application/yaml;q=0", "image/*"])
def test_other_answers_are_refused(api, accept):
    assert api.get("nodes", Accept=accept).status_code == 406


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/yaml", "application/yaml"),
        ("text/yaml", "application/yaml"),
        ("application/json;q=0.1, application/yaml;q=0.2", "application/yaml"),
        ("application/yaml;q=x, application/json", "application/json"),
    ],
)
def test_the_caller_chooses_the_answers_type(api, accept, kind):
    assert api.get("nodes", Accept=accept)["Content-Type"] == kind


def test_the_query_never_chooses_the_type(api):
    answer = api.get("nodes?format=yaml")
    assert answer.status_code == 422
    assert list(pointers(answer)) == ["/format"]


@pytest.mark.parametrize(
    ("path", "pointer", "sentence"),
    [
        ("nodes?labelselector=a", "/labelselector", "unknown field “labelselector”; did you mean “labelSelector”?"),
        ("nodes?limit=0", "/limit", "must be between 1 and 500"),
        ("nodes?limit=501", "/limit", "must be between 1 and 500"),
        ("nodes?limit=ten", "/limit", "must be a whole number, not “ten”"),
        ("nodes?limit=1&limit=2", "/limit", "duplicate “limit”"),
        ("nodes?labelSelector=a%20b", "/labelSelector", "“a b” is not a label selector"),
        ("nodes?ready=perhaps", "/ready", "must be one of Ready"),
        ("nodes?unit=a", "/unit", "also requires “group”"),
        ("nodes?search=%00", "/search", "the request cannot be parsed"),
        ("nodeunits", "/group", "is required"),
        ("me?x=1", "/x", "query parameters are not supported here"),
    ],
)
def test_a_bad_query_is_refused(api, path, pointer, sentence):
    answer = api.get(path)
    assert answer.status_code == 422
    assert pointers(answer)[pointer].startswith(sentence)


def test_nothing_of_a_bundle_is_stored_if_one_is_bad(api):
    bundle = builders.seed("deploymentgrid") + b"---\n" + builders.seed("servicegrid").replace(b"zone1", b"zone 1")
    answer = api.yaml("POST", "apply", bundle)
    assert answer.status_code == 422
    assert list(pointers(answer)) == ["/1/spec/gridUniqKey"]


def test_the_same_object_twice_in_a_bundle_is_refused(api):
    answer = api.post("apply", [builders.manifest(), builders.manifest()])
    assert pointers(answer) == {"/1/metadata/name": "duplicate “echo”, first at /0/metadata/name"}


def test_a_place_that_a_sentence_names_is_told_as_the_caller_sees_it(api):
    twice = builders.manifest("other")
    twice["spec"]["template"]["template"]["spec"]["containers"] *= 2
    where = "/spec/template/template/spec/containers"
    found = pointers(api.post("apply", [builders.manifest(), twice]))
    assert list(found) == [f"/1{where}/1"]
    assert f"first at /1{where}/0" in found[f"/1{where}/1"]
    group = {"apiVersion": "superedge.io/v1", "kind": "ServiceGroup", "metadata": {"name": "g"}}
    found = pointers(api.post("servicegroups", {**group, "spec": {"gridUniqKey": "zone1", "grids": [twice]}}))
    assert list(found) == [f"/spec/grids/0{where}/1"]
    assert f"first at /spec/grids/0{where}/0" in found[f"/spec/grids/0{where}/1"]


def test_a_bundle_with_other_kinds_names_those_that_are_taken_and_how_to_apply_the_rest(api):
    others = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: t1}\n---\n%b---\nkind: ConfigMap\napiVersion: v1\n"
    found = pointers(api.yaml("POST", "apply", others % builders.seed("deploymentgrid")))
    assert list(found) == ["/0/kind", "/2/kind"]
    assert found["/0/kind"].startswith("Namespace (v1) is not supported here, only DeploymentGrid, StatefulSetGrid")
    assert found["/2/kind"].endswith("remove it and apply it with “kubectl apply”")
    assert Grid.objects.count() == 0


@pytest.mark.parametrize("body", [[], {"items": []}, None])
def test_an_empty_bundle_is_refused(api, body):
    assert pointers(api.post("apply", body)) == {"": "at least one manifest is expected"}


@pytest.mark.parametrize("body", [[1], {"items": 1}, {"items": [None]}, "x", 3])
def test_a_bundle_of_other_things_is_refused(api, body):
    assert api.post("apply", json.dumps(body)).status_code == 422


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"nodes": ["node0"]}, {"/set": "name at least one label to set or remove"}),
        ({"set": {"a": "b"}}, {"/nodes": "name at least one node"}),
        ({"labelSelector": "nobody=x", "set": {"a": "b"}}, {"/labelSelector": "name at least one node"}),
        ({"nodes": ["nodeX"], "set": {"a": "b"}}, {"/nodes/0": "there is no node “nodeX”"}),
        ({"nodes": ["node0"], "sett": {"a": "b"}}, {"/sett": "unknown field “sett”; did you mean “set”?"}),
        ({"nodes": "node0", "set": {"a": "b"}}, {"/nodes": "must be a list, not “node0”"}),
        ({"nodes": ["node0"], "set": {"a b": "x"}}, {"/set/a b": "“a b” is not a label key"}),
        ({"nodes": ["node0"], "set": {"a": "北京"}}, {"/set/a": "“北京” is not a label value"}),
        ({"nodes": ["node0"], "remove": ["a", "<b>"]}, {"/remove/1": "“<b>” is not a label key"}),
        ({"nodes": ["node0"], "set": {"a": None}}, {"/set/a": "is required"}),
        ({"nodes": ["node0"], "set": {"a": "b"}, "remove": ["a"]}, {"/remove/0": "“a” is both set and removed"}),
        (
            {"nodes": ["node0"], "set": {"kubernetes.io/hostname": "x"}},
            {"/set/kubernetes.io~1hostname": "“kubernetes.io/hostname” belongs to Kubernetes"},
        ),
        (
            {"nodes": ["node0"], "labelSelector": "zone1", "set": {"a": "b"}},
            {"/labelSelector": "name the nodes or select them, not both"},
        ),
        ({"nodes": [None], "set": {"a": "b"}}, {"/nodes/0": "must not be null; remove the entry"}),
        ({"nodes": ["node0"], "remove": [None]}, {"/remove/0": "must not be null; remove the entry"}),
        ({"labelSelector": "a b", "set": {"a": "b"}}, {"/labelSelector": "“a b” is not a label selector"}),
    ],
)
def test_bad_labels_are_refused(api, body, expected):
    answer = api.post("nodes/label", body)
    assert answer.status_code == 422, answer.content
    found = pointers(answer)
    assert found.keys() == expected.keys()
    assert all(found[where].startswith(sentence) for where, sentence in expected.items())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/metadata"),
        ({"metadata": {}}, "/metadata/labels"),
        ({"metadata": {"labels": {}}}, "/metadata/labels"),
        ({"metadata": {"labels": {"a": 1}}}, "/metadata/labels/a"),
        ({"metadata": {"labels": {"a": "北京"}}}, "/metadata/labels/a"),
        ({"metadata": {"annotations": {"a": "b"}}}, "/metadata/annotations"),
        ({"spec": {"unschedulable": True}}, "/spec"),
        ({"metadata": "x"}, "/metadata"),
    ],
)
def test_a_nodes_patch_takes_labels_only(api, body, pointer):
    answer = api("PATCH", "nodes/node0", body)
    assert answer.status_code == 422
    assert pointer in pointers(answer)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "x", "scope": "all"}, "/scope"),
        ({"name": "x", "days": 0}, "/days"),
        ({"name": "x", "days": 10**6}, "/days"),
        ({"name": "x", "admin": True}, "/admin"),
    ],
)
def test_a_bad_token_is_not_made(people, body, pointer):
    api = Api()
    api.client.force_login(people["olga"])
    before = ApiToken.objects.count()
    answer = api.post("tokens", body)
    assert answer.status_code == 422
    assert list(pointers(answer)) == [pointer]
    assert ApiToken.objects.count() == before


@pytest.mark.parametrize("path", ["nowhere", "", "nodes/", "deploymentgrids/x", "nodes/%00", "jobs/1"])
def test_an_unknown_address_is_a_problem_too(api, path):
    answer = api.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_what_nobody_foresaw_shows_no_trace(api, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("sgportal.api.nodes.views.node_groups", broken)
    answer = api.get("nodegroups")
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content
    assert answer.json()["requestId"] in caplog.text


def test_a_busy_database_is_no_error_of_ours(api, monkeypatch):
    from django.db import OperationalError

    def busy(**_):
        raise OperationalError("database is locked")

    monkeypatch.setattr("sgportal.api.nodes.views.node_groups", busy)
    answer = api.get("nodegroups")
    assert answer.status_code == 503
    assert answer["Retry-After"]


def test_the_answer_speaks_the_callers_language(api, monkeypatch):
    asked = []

    def recorded(text):
        from django.utils.translation import get_language

        asked.append((get_language(), text))
        return text

    monkeypatch.setattr("sgportal.api.http.language.gettext", recorded)
    answer = api.post("deploymentgrids", bad("spec|gridUniqKey"), Accept_Language="zh-Hans")
    assert answer["Content-Language"] == "zh-hans"
    assert ("zh-hans", "is required") in asked
    assert "Accept-Language" in answer["Vary"]


def test_the_language_a_person_chose_is_used_where_the_request_asks_for_none(api, people):
    from sgportal.models import Preference

    Preference.objects.create(user=people["olga"], language="zh-hans")
    assert api.get("me")["Content-Language"] == "zh-hans"
    assert api.get("me").json()["language"] == "zh-hans"
    assert api.get("me", Accept_Language="en")["Content-Language"] == "en"


@pytest.mark.parametrize(("manifest", "pointer", "english"), CASES, ids=[f"{n}{c[1]}" for n, c in enumerate(CASES)])
def test_the_same_is_said_in_chinese(api, manifest, pointer, english):
    """The same pointer, another sentence, in the caller's language; what the caller wrote stays as written."""
    answer = api.post("deploymentgrids", manifest, Accept_Language="zh-Hans")
    body = answer.json()
    assert answer["Content-Language"] == "zh-hans"
    sentence = pointers(answer)[pointer]
    assert HAN.search(sentence), sentence
    assert not sentence.startswith(english)
    assert HAN.search(body["detail"]), body["detail"]


@pytest.mark.parametrize(("body", "kind", "_english"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_said_in_chinese(api, body, kind, _english):
    answer = api("POST", "deploymentgrids", body, Content_Type=kind, Accept_Language="zh-CN,zh;q=0.9")
    assert HAN.search(pointers(answer)[""])


def test_every_sentence_of_the_door_is_in_the_catalogue():
    """Refusals, queries: all that this door may say, found by its calls of `say`."""
    said = set()
    for path in tree.under("sgportal", suffix=".py"):
        for node in ast.walk(tree.parsed(path)) if path.parts[1] == "api" else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                said.add(node.args[0].value)
    with override("zh-hans"):
        assert [text for text in said if gettext(text) == text] == []
