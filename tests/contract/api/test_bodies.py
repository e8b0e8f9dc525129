"""What the API server makes of a body: types, unknown and doubled fields, media types; the Status it says no with."""

import pytest

from ..conftest import APPLY, JSON, MERGE, STRATEGIC, a_deployment, a_map

DOUBLED = b'{"metadata":{"name":"a"},"data":{"k":"1","k":"2"}}'


def odd():
    """A Deployment with two fields that there are not."""
    body = a_deployment()
    body["bogus"] = 1
    body["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    return body


@pytest.mark.parametrize("validation", ["", "Warn", "Ignore"])
def test_unknown_fields_are_dropped_and_warned_of_unless_ignored(server, deployments, validation):
    made = server("POST", f"{deployments}?fieldValidation={validation}", odd())
    assert made.status == 201
    assert "bogus" not in made.body
    assert "imagee" not in made.body["spec"]["template"]["spec"]["containers"][0]
    warning = made.headers.get("Warning", "")
    assert ('unknown field \\"bogus\\"' in warning) == (validation != "Ignore")
    assert ('unknown field \\"spec.template.spec.containers[0].imagee\\"' in warning) == (validation != "Ignore")


def test_unknown_fields_are_refused_when_strict(server, deployments):
    refused = server("POST", f"{deployments}?fieldValidation=Strict", odd())
    assert (refused.status, refused.body["reason"]) == (400, "BadRequest")
    assert 'strict decoding error: unknown field "' in refused.body["message"]
    assert 'unknown field "spec.template.spec.containers[0].imagee"' in refused.body["message"]


@pytest.mark.parametrize(
    ("options", "patch"),
    [
        (MERGE, {"spec": {"bogus": 1}}),
        (STRATEGIC, {"spec": {"bogus": 1}}),
        (JSON, [{"op": "add", "path": "/spec/bogus", "value": 1}]),
    ],
)
def test_unknown_fields_of_a_patch(server, deployments, options, patch):
    before = server("POST", deployments, a_deployment()).body
    refused = server("PATCH", f"{deployments}/web?fieldValidation=Strict", patch, **options)
    assert refused.status == 422
    assert refused.body["details"]["causes"][0]["field"] == "patch"
    assert 'unknown field "spec.bogus"' in refused.body["message"]
    taken = server("PATCH", f"{deployments}/web", patch, **options)
    assert taken.body["spec"] == before["spec"]
    assert 'unknown field \\"spec.bogus\\"' in taken.headers["Warning"]


@pytest.mark.parametrize("validation", ["", "Strict", "Warn", "Ignore"])
def test_an_applied_field_must_be_known_whatever_is_asked(server, deployments, validation):
    refused = server("PATCH", f"{deployments}/web?fieldManager=x&fieldValidation={validation}", odd(), **APPLY)
    assert refused.status == 500
    assert refused.body["message"].startswith("failed to create typed patch object (")
    assert "bogus: field not declared in schema" in refused.body["message"]


def test_a_doubled_field_is_warned_of_or_refused(server, maps):
    refused = server("POST", f"{maps}?fieldValidation=Strict", DOUBLED)
    assert refused.status == 400
    assert 'duplicate field "data.k"' in refused.body["message"]
    assert server("POST", f"{maps}?fieldValidation=Ignore&dryRun=All", DOUBLED).headers.get("Warning") is None
    made = server("POST", maps, DOUBLED)
    assert made.body["data"] == {"k": "2"}
    assert 'duplicate field \\"data.k\\"' in made.headers["Warning"]
    patch = b'{"metadata":{"labels":{"a":"1","a":"2"}}}'
    assert server("PATCH", f"{maps}/a?fieldValidation=Strict", patch, **MERGE).status == 422


def test_a_doubled_key_in_what_is_applied(server, maps):
    body = b'{"apiVersion":"v1","kind":"ConfigMap",' + DOUBLED[1:]
    refused = server("PATCH", f"{maps}/a?fieldManager=x&fieldValidation=Strict", body, **APPLY)
    assert refused.status == 400
    assert 'key "k" already set in map' in refused.body["message"]


def test_another_word_for_field_validation_is_422(server, maps):
    refused = server("POST", f"{maps}?fieldValidation=Odd", a_map("a"))
    assert (refused.status, refused.body["details"]["causes"][0]["field"]) == (422, "fieldValidation")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("metadata", "labels"), ["x"]),
        (("spec", "replicas"), "x"),
        (("spec", "replicas"), 2**40),
        (("spec", "paused"), "yes"),
        (("spec", "template", "spec", "containers"), "c"),
        (("spec", "template", "spec", "tolerations"), {}),
        (("spec", "template", "spec", "nodeSelector"), {"a": 1}),
        (("spec", "template", "spec", "terminationGracePeriodSeconds"), "30"),
    ],
)
def test_values_of_another_type(server, deployments, place, value):
    body = inner = a_deployment()
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    refused = server("POST", deployments, body)
    assert (refused.status, refused.body["reason"]) == (400, "BadRequest")
    assert "cannot be handled as a Deployment: json: cannot unmarshal" in refused.body["message"]
    assert place[-1] in refused.body["message"]
    if value != 2**40:  # applied, a number that is too large is cut in silence
        assert server("PATCH", f"{deployments}/web?fieldManager=x", body, **APPLY).status >= 400
    server("POST", deployments, a_deployment())
    patch = value
    for name in reversed(place):
        patch = {name: patch}
    assert server("PATCH", f"{deployments}/web", patch, **MERGE).status == 422


def test_empty_lists_and_maps_are_left_out(server, deployments):
    body = a_deployment(labels={}, annotations=None)
    body["spec"]["template"]["spec"] |= {"nodeSelector": {}, "tolerations": [], "hostAliases": None, "affinity": {}}
    body["spec"]["template"]["spec"]["containers"][0] |= {"args": [], "env": [], "securityContext": {}}
    for made in (
        server("POST", f"{deployments}?dryRun=All", body),
        server("PATCH", f"{deployments}/web?fieldManager=x", {**body, "metadata": {"name": "web"}}, **APPLY),
    ):
        assert made.status == 201
        assert not {"labels", "annotations"} & made.body["metadata"].keys()
        spec = made.body["spec"]["template"]["spec"]
        assert not {"nodeSelector", "tolerations", "hostAliases"} & spec.keys()
        assert spec["affinity"] == {}
        assert not {"args", "env"} & spec["containers"][0].keys()
        assert spec["containers"][0]["securityContext"] == {}


def test_quantities_are_text(server, namespace):
    body = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": 5}}}
    made = server("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", body)
    assert made.body["spec"] == {"hard": {"pods": "5"}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ([1], 400),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}, 400),
        ({"metadata": {"name": "a", "namespace": "elsewhere"}}, 400),
        ({"metadata": {}}, 422),
        ({"metadata": {"generateName": "X_"}}, 422),
        ({"metadata": {"name": "a"}, "data": {"k": "x" * 1_100_000}}, 422),
        ({"metadata": {"name": "a"}, "data": {"k": "x" * 3_300_000}}, 413),
    ],
    ids=["broken", "list", "kind", "namespace", "nameless", "generate", "large", "too-large"],
)
def test_bodies_that_are_refused(server, maps, body, status):
    answer = server("POST", maps, body)
    assert (answer.status, answer.body["kind"], answer.body["code"]) == (status, "Status", status)
    assert answer.body["message"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("POST", "/a", {}, 405),
        ("PUT", "", {}, 405),
        ("PATCH", "", MERGE, 405),
        ("POST", "", {"content_type": "text/plain"}, 415),
        ("PATCH", "/a", {"content_type": "text/plain"}, 415),
        ("GET", "", {"accept": "text/html"}, 406),
        ("GET", "/a/nothing", {}, 404),
        ("GET", "?labelSelector=a%20b%20c", {}, 400),
        ("GET", "?fieldSelector=data.x%3Db", {}, 400),
        ("GET", "?limit=x", {}, 400),
        ("GET", "?limit=1&continue=xxx", {}, 400),
        ("GET", "?resourceVersion=x", {}, 400),
        ("GET", "?resourceVersion=999999999", {}, 504),
        ("GET", "?resourceVersionMatch=Exact", {}, 422),
        ("GET", "?resourceVersionMatch=Exact&resourceVersion=0", {}, 422),
        ("POST", "?dryRun=Some", {}, 422),
        ("PATCH", "/a?force=true", MERGE, 422),
    ],
)
def test_requests_that_are_refused(server, maps, method, path, options, status):
    server("POST", maps, a_map("a"))
    body = None if method == "GET" else a_map("b")
    answer = server(method, maps + path, body, **options)
    assert (answer.status, answer.body["kind"], answer.body["status"]) == (status, "Status", "Failure")
    assert answer.body["code"] == status


@pytest.mark.parametrize(
    ("options", "patch", "status"),
    [
        (MERGE, [1], 400),
        (MERGE, {"metadata": None}, 400),
        (JSON, {"a": 1}, 400),
        (JSON, [{"op": "nonsense", "path": "/a"}], 422),
        (JSON, [{"op": "add", "path": "a", "value": 1}], 422),
        (APPLY, {"apiVersion": "v1", "kind": "ConfigMap"}, 400),
        (APPLY, {"metadata": {"name": "a"}}, 400),
        (APPLY, {**a_map("a"), "metadata": {"name": "a", "managedFields": [{"manager": "x"}]}}, 400),
    ],
)
def test_patches_that_are_refused(server, maps, options, patch, status):
    if options is not APPLY:
        server("POST", maps, a_map("a"))
    query = "?fieldManager=x" if options is APPLY else ""
    answer = server("PATCH", f"{maps}/a{query}", patch, **options)
    assert (answer.status, answer.body["status"]) == (status, "Failure")


def test_who_says_nothing_of_himself_is_anonymous(server, maps):
    answer = server("GET", maps, token="")
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert "system:anonymous" in answer.body["message"]
    assert server("GET", maps, token="wrong").status == 401
