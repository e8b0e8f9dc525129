"""CustomResourceDefinitions from their making to their end: what their schemas refuse, fill in and leave out."""

import itertools

import pytest

from ..conftest import APPLY, MERGE

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_groups = itertools.count(1)
SCHEMA = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
                "word": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5, "minLength": 1},
                "nested": {"type": "object", "properties": {"deep": {"type": "boolean", "default": True}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "percent": {"x-kubernetes-int-or-string": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                "parts": {
                    "type": "array",
                    "maxItems": 3,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["key"],
                    "items": {
                        "type": "object",
                        "required": ["key"],
                        "properties": {"key": {"type": "string"}, "value": {"type": "string"}},
                    },
                },
                "maybe": {"type": "string", "nullable": True},
            },
        },
        "status": {
            "type": "object",
            "properties": {"replicas": {"type": "integer"}, "done": {"type": "boolean"}},
        },
    },
}


def a_definition(group, **version):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "shortNames": ["th"]},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": SCHEMA},
                    "subresources": {
                        "status": {},
                        "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas"},
                    },
                    "additionalPrinterColumns": [
                        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                        {"name": "Colour", "type": "string", "jsonPath": ".spec.colour", "priority": 1},
                        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
                    ],
                    **version,
                }
            ],
        },
    }


def define(server, definition):
    """Establish a definition; the root of its kind's paths."""
    made = server("POST", CRDS, definition)
    assert made.status == 201, made
    name, group = definition["metadata"]["name"], definition["spec"]["group"]

    def established():
        conditions = server("GET", f"{CRDS}/{name}").body["status"]["conditions"] or []  # at first it is null
        return {"Established", "NamesAccepted"} <= {each["type"] for each in conditions if each["status"] == "True"}

    server.until(established)
    server.until(lambda: server("GET", f"/apis/{group}/v1/things").status == 200)
    return f"/apis/{group}/v1"


@pytest.fixture(scope="module")
def group(server):
    name = f"g{next(_groups)}.contract.example.com"
    define(server, a_definition(name))
    # Also an empty list is only found once the kind's own storage is up; a write is what needs it.
    server.until(
        lambda: server("POST", f"/apis/{name}/v1/namespaces/default/things?dryRun=All", a_thing(name)).status == 201
    )
    yield name
    server("DELETE", f"{CRDS}/things.{name}")


@pytest.fixture
def things(server, group, namespace):
    return f"/apis/{group}/v1/namespaces/{namespace}/things"


def a_thing(group, name="t", **spec):
    return {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": name}, "spec": {"size": 1, **spec}}


def test_it_is_discovered(server, group):
    assert group in [each["name"] for each in server("GET", "/apis").body["groups"]]
    listed = {each["name"]: each for each in server("GET", f"/apis/{group}/v1").body["resources"]}
    assert set(listed) == {"things", "things/status", "things/scale"}
    assert (listed["things"]["kind"], listed["things"]["singularName"], listed["things"]["shortNames"]) == (
        "Thing",
        "thing",
        ["th"],
    )
    assert listed["things/scale"]["kind"] == "Scale"
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = {each["metadata"]["name"]: each for each in server("GET", "/apis", accept=accept).body["items"]}
    resource = found[group]["versions"][0]["resources"][0]
    assert (resource["resource"], resource["scope"], resource["singularResource"]) == ("things", "Namespaced", "thing")
    assert {each["subresource"] for each in resource["subresources"]} == {"status", "scale"}


def test_its_schema_is_published(server, group):
    def published():
        paths = server("GET", "/openapi/v3").body["paths"]
        return paths.get(f"apis/{group}/v1")

    address = server.until(published)["serverRelativeURL"]
    document = server("GET", address).body
    kinds = {
        each["kind"]: schema
        for schema in document["components"]["schemas"].values()
        for each in schema.get("x-kubernetes-group-version-kind", ())
    }
    assert kinds["Thing"]["properties"]["spec"]["properties"]["size"]["maximum"] == 9
    assert f"/apis/{group}/v1/namespaces/{{namespace}}/things/{{name}}" in document["paths"]


def test_defaults_are_filled_in(server, group, things):
    spec = server("POST", things, a_thing(group, nested={})).body["spec"]
    assert (spec["colour"], spec["nested"]) == ("red", {"deep": True})


def test_what_is_not_known_is_left_out_unless_it_is_to_be_kept(server, group, things):
    body = a_thing(group, odd=1, nested={"odd": 1}, free={"odd": {"x": 1}}, labels={"any": "thing"})
    made = server("POST", things, {**body, "odd": 1, "status": {"done": True}})
    assert made.body["spec"]["free"] == {"odd": {"x": 1}}
    assert made.body["spec"]["labels"] == {"any": "thing"}
    assert not {"odd"} & (made.body.keys() | made.body["spec"].keys() | made.body["spec"]["nested"].keys())
    assert "status" not in made.body
    for field in ("odd", "spec.odd", "spec.nested.odd"):
        assert f'unknown field \\"{field}\\"' in made.headers["Warning"]
    strict = server("POST", f"{things}?fieldValidation=Strict", body)
    assert strict.status == 400
    assert 'unknown field "spec.nested.odd"' in strict.body["message"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"size": 0}, "spec.size"),
        ({"size": 10}, "spec.size"),
        ({"size": "x"}, "spec.size"),
        ({"size": 1.5}, "spec.size"),
        ({"colour": "green"}, "spec.colour"),
        ({"word": ""}, "spec.word"),
        ({"word": "abcdef"}, "spec.word"),
        ({"word": "A"}, "spec.word"),
        ({"nested": []}, "spec.nested"),
        ({"nested": {"deep": "yes"}}, "spec.nested.deep"),
        ({"labels": {"a": 1}}, "spec.labels.a"),
        ({"percent": True}, "spec.percent"),
        ({"tags": "x"}, "spec.tags"),
        ({"tags": ["a", 1]}, "spec.tags[1]"),
        ({"tags": ["a", "a"]}, "spec.tags[1]"),
        ({"parts": [{"key": "a"}, {"key": "a"}]}, "spec.parts[1]"),
        ({"parts": [{"value": "a"}]}, "spec.parts[0].key"),
        ({"parts": [{"key": k} for k in "abcd"]}, "spec.parts"),
        ({"maybe": 1}, "spec.maybe"),
    ],
)
def test_the_schema_refuses(server, group, things, spec, field):
    answer = server("POST", things, a_thing(group, **spec))
    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


@pytest.mark.parametrize("spec", [{"percent": 5}, {"percent": "5%"}, {"maybe": None}, {"size": 9}, {"tags": []}])
def test_the_schema_takes(server, group, things, spec):
    made = server("POST", things, a_thing(group, **spec))
    assert made.status == 201
    assert made.body["spec"] | spec == made.body["spec"]


def test_what_is_required(server, group, things):
    body = a_thing(group)
    del body["spec"]["size"]
    answer = server("POST", things, body)
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["spec.size"]
    del body["spec"]
    answer = server("POST", things, body)
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["spec"]


def test_a_null_for_what_cannot_be_null(server, group, things):
    """It is left out, and where there is a default, this takes its place."""
    assert server("POST", things, a_thing(group, colour=None)).body["spec"]["colour"] == "red"
    assert "word" not in server("POST", things, a_thing(group, "u", word=None)).body["spec"]


def test_status_and_spec_are_written_apart(server, group, things):
    server("POST", things, a_thing(group))
    both = {"spec": {"size": 2}, "status": {"done": True}, "metadata": {"labels": {"a": "b"}}}
    body = server("PATCH", f"{things}/t/status", both, **MERGE).body
    assert (body["spec"]["size"], body["status"], body["metadata"]["generation"]) == (1, {"done": True}, 1)
    assert body["metadata"].get("labels") is None
    body = server("PATCH", f"{things}/t", both | {"status": {"done": False}}, **MERGE).body
    assert (body["spec"]["size"], body["status"], body["metadata"]["generation"]) == (2, {"done": True}, 2)
    refused = server("PATCH", f"{things}/t/status", {"status": {"done": "yes"}}, **MERGE)
    assert refused.status == 422


def test_status_is_applied_apart(server, group, things):
    server("POST", things, a_thing(group))
    status = {**a_thing(group), "status": {"done": True}}
    del status["spec"]
    body = server("PATCH", f"{things}/t/status?fieldManager=x&force=true", status, **APPLY).body
    assert (body["status"], body["spec"]["size"]) == ({"done": True}, 1)
    entry = next(each for each in body["metadata"]["managedFields"] if each["manager"] == "x")
    assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:done": {}}})


def test_scale_follows_its_paths(server, group, things):
    server("POST", things, a_thing(group, size=3))
    server("PATCH", f"{things}/t/status", {"status": {"replicas": 2}}, **MERGE)
    scale = server("GET", f"{things}/t/scale").body
    assert (scale["kind"], scale["spec"]["replicas"], scale["status"]["replicas"]) == ("Scale", 3, 2)
    changed = server("PATCH", f"{things}/t/scale", {"spec": {"replicas": 4}}, **MERGE)
    assert changed.body["spec"]["replicas"] == 4
    assert server("GET", f"{things}/t").body["spec"]["size"] == 4


def test_lists_merge_as_the_schema_says(server, group, things):
    one = a_thing(group, tags=["a", "b"], parts=[{"key": "a", "value": "1"}])
    two = a_thing(group, tags=["b", "c"], parts=[{"key": "b", "value": "2"}])
    server("PATCH", f"{things}/t?fieldManager=one", one, **APPLY)
    spec = server("PATCH", f"{things}/t?fieldManager=two", two, **APPLY).body["spec"]
    assert (sorted(spec["tags"]), sorted(each["key"] for each in spec["parts"])) == (["a", "b", "c"], ["a", "b"])
    spec = server("PATCH", f"{things}/t?fieldManager=one", a_thing(group), **APPLY).body["spec"]
    assert (sorted(spec["tags"]), [each["key"] for each in spec["parts"]]) == (["b", "c"], ["b"])
    taken = a_thing(group, parts=[{"key": "b", "value": "3"}])
    refused = server("PATCH", f"{things}/t?fieldManager=one", taken, **APPLY)
    assert refused.body["details"]["causes"][0]["field"] == '.spec.parts[key="b"].value'


def test_a_put_needs_the_version_it_replaces(server, group, things):
    made = server("POST", things, a_thing(group)).body
    assert server("PUT", f"{things}/t", a_thing(group, size=2)).status == 422
    made["spec"]["size"] = 2
    assert server("PUT", f"{things}/t", made).body["metadata"]["generation"] == 2
    assert server("PUT", f"{things}/t", made).status == 409


def test_it_says_what_it_is(server, group, things):
    body = a_thing(group)
    assert server("POST", things, {key: body[key] for key in ("metadata", "spec")}).status == 400
    assert server("POST", things, {**body, "kind": "Other"}).status in (400, 422)
    answer = server("PATCH", f"{things}/t", {}, content_type="application/strategic-merge-patch+json")
    assert answer.status == 415


def test_printer_columns(server, group, things):
    server("POST", things, a_thing(group, size=3))
    table = server("GET", things, accept="application/json;as=Table;v=v1;g=meta.k8s.io").body
    columns = [(each["name"], each["type"], each["priority"]) for each in table["columnDefinitions"]]
    assert columns == [("Name", "string", 0), ("Size", "integer", 0), ("Colour", "string", 1), ("Age", "date", 0)]
    assert table["rows"][0]["cells"][:3] == ["t", 3, "red"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": "Odd"}, "spec.scope"),
        ({"group": "other.example.com"}, "metadata.name"),
        ({"names": {"plural": "things", "kind": ""}}, "spec.names.kind"),
        ({"versions": []}, "spec.versions"),
        (lambda spec: spec["versions"][0].update(storage=False), "spec.versions"),
        (lambda spec: spec["versions"][0].pop("schema"), "spec.versions[0].schema.openAPIV3Schema"),
        (
            lambda spec: spec["versions"][0].update(schema={"openAPIV3Schema": {"properties": {}}}),
            "spec.validation.openAPIV3Schema.type",
        ),
    ],
)
def test_definitions_that_are_refused(server, change, field):
    body = a_definition("refused.contract.example.com")
    if callable(change):
        change(body["spec"])
    else:
        body["spec"] |= change
    answer = server("POST", CRDS, body)
    assert answer.status == 422, answer
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]], answer


def test_a_changed_definition_takes_effect(server, namespace):
    group = f"g{next(_groups)}.contract.example.com"
    root = define(server, a_definition(group))
    path = f"{root}/namespaces/{namespace}/things"
    server.until(lambda: server("POST", path, a_thing(group)).status == 201)
    widened = a_definition(group)["spec"]
    widened["versions"][0]["schema"] = {
        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    }
    server("PATCH", f"{CRDS}/things.{group}", {"spec": widened}, **MERGE)

    def kept():
        return server("POST", f"{path}?dryRun=All", a_thing(group, "u", anything=1)).body["spec"].get("anything")

    server.until(kept)
    scope = server("PATCH", f"{CRDS}/things.{group}", {"spec": {"scope": "Cluster"}}, **MERGE)
    assert [cause["field"] for cause in scope.body["details"]["causes"]] == ["spec.scope"]
    server("DELETE", f"{CRDS}/things.{group}")
    server.until(lambda: server("GET", path).status == 404)
    server.until(lambda: server("GET", f"{CRDS}/things.{group}").status == 404)
    server.until(lambda: group not in [each["name"] for each in server("GET", "/apis").body["groups"]])
    # What it defined went with it.
    define(server, a_definition(group))
    server.until(lambda: server("POST", f"{path}?dryRun=All", a_thing(group, "u")).status == 201)
    assert server("GET", path).body["items"] == []
    server("DELETE", f"{CRDS}/things.{group}")
