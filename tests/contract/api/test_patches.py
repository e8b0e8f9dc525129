"""Patches, and server-side apply with its ownership of fields."""

import pytest

from ..conftest import APPLY, JSON, MERGE, STRATEGIC, a_deployment, a_map

OTHER_UID = "11111111-2222-3333-4444-555555555555"


def test_json_patch_tests_and_changes(server, maps):
    uid = server("POST", maps, a_map("a", {"n": "1", "m": "1"})).body["metadata"]["uid"]
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": uid},
        {"op": "replace", "path": "/data/n", "value": "2"},
        {"op": "remove", "path": "/data/m"},
        {"op": "add", "path": "/metadata/labels", "value": {"a/b": "c"}},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "d"},
    ]
    body = server("PATCH", f"{maps}/a", patch, **JSON).body
    assert (body["data"], body["metadata"]["labels"]) == ({"n": "2"}, {"a/b": "d"})


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/metadata/uid", "value": "other"},
        {"op": "remove", "path": "/data/nothing"},
        {"op": "replace", "path": "/nowhere/nothing", "value": "x"},
        {"op": "replace", "path": "/metadata/finalizers/3", "value": "x"},
    ],
)
def test_a_json_patch_that_does_not_fit_is_422_and_changes_nothing(server, maps, operation):
    before = server("POST", maps, a_map("a", {"n": "1"})).body
    answer = server("PATCH", f"{maps}/a", [{"op": "replace", "path": "/data/n", "value": "2"}, operation], **JSON)
    assert answer.status == 422
    assert server("GET", f"{maps}/a").body["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_a_replacement_of_what_is_not_there_adds_it(server, maps):
    server("POST", maps, a_map("a", {"n": "1"}))
    patch = [{"op": "replace", "path": "/data/new", "value": "x"}]
    assert server("PATCH", f"{maps}/a", patch, **JSON).body["data"] == {"n": "1", "new": "x"}


def test_merge_patch_merges_and_null_removes(server, maps):
    server("POST", maps, a_map("a", {"n": "1", "m": "1"}))
    assert server("PATCH", f"{maps}/a", {"data": {"m": None, "o": "2"}}, **MERGE).body["data"] == {"n": "1", "o": "2"}


def test_a_patch_is_answered_with_metadata_where_no_more_is_wanted(server, maps):
    server("POST", maps, a_map("a"))
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    body = server("PATCH", f"{maps}/a", {"data": {"m": "1"}}, **MERGE, accept=accept).body
    assert (body["kind"], body["metadata"]["name"], body.keys()) == (
        "PartialObjectMetadata",
        "a",
        {"kind", "apiVersion", "metadata"},
    )
    assert server("GET", f"{maps}/a").body["data"]["m"] == "1"


def test_a_patch_with_a_stale_version_is_409(server, maps):
    old = server("POST", maps, a_map("a")).body["metadata"]["resourceVersion"]
    server("PATCH", f"{maps}/a", {"data": {"n": "1"}}, **MERGE)
    stale = server("PATCH", f"{maps}/a", {"metadata": {"resourceVersion": old}, "data": {"n": "2"}}, **MERGE)
    assert stale.status == 409


def test_strategic_merge_knows_containers_by_name(server, deployments):
    server("POST", deployments, a_deployment())
    patch = {
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "two"}, {"name": "d", "image": "x"}]}}}
    }
    body = server("PATCH", f"{deployments}/web", patch, **STRATEGIC).body
    containers = {each["name"]: each for each in body["spec"]["template"]["spec"]["containers"]}
    assert containers["c"]["image"] == "two"
    assert containers["c"]["env"] == [{"name": "A", "value": "1"}]
    assert set(containers) == {"c", "d"}
    gone = {"spec": {"template": {"spec": {"containers": [{"name": "d", "$patch": "delete"}]}}}}
    body = server("PATCH", f"{deployments}/web", gone, **STRATEGIC).body
    assert [each["name"] for each in body["spec"]["template"]["spec"]["containers"]] == ["c"]


def apply(server, path, body, manager="one", force=False, **options):
    return server(
        "PATCH", f"{path}/{body['metadata']['name']}?fieldManager={manager}&force={str(force).lower()}", body, **APPLY
    )


def test_apply_creates_with_201_and_changes_with_200(server, maps):
    assert apply(server, maps, a_map("a", {"n": "1"})).status == 201
    changed = apply(server, maps, a_map("a", {"n": "2"}))
    assert (changed.status, changed.body["data"]) == (200, {"n": "2"})


def test_apply_again_changes_no_version(server, maps):
    first = apply(server, maps, a_map("a", {"n": "1"})).body
    assert (
        apply(server, maps, a_map("a", {"n": "1"})).body["metadata"]["resourceVersion"]
        == first["metadata"]["resourceVersion"]
    )


def test_apply_takes_yaml(server, maps):
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes-or-no}\ndata: {since: '2001-01-01'}\n"
    assert server("PATCH", f"{maps}/yes-or-no?fieldManager=one", text, **APPLY).body["data"] == {"since": "2001-01-01"}
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\n"
    assert server("PATCH", f"{maps}/y?fieldManager=one", text, **APPLY).status >= 400  # true, not a letter


def test_apply_needs_a_manager(server, maps):
    assert server("PATCH", f"{maps}/a", a_map("a"), **APPLY).status in (400, 422)


def test_managed_fields_say_who_owns_what(server, maps):
    entry = apply(server, maps, a_map("a", {"n": "1"})).body["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["operation"], entry["fieldsType"]) == ("one", "Apply", "FieldsV1")
    assert entry["fieldsV1"] == {"f:data": {"f:n": {}}}


def test_defaults_belong_to_nobody_under_apply(server, deployments):
    body = a_deployment()
    entry = apply(server, deployments, body).body["metadata"]["managedFields"][0]
    spec = entry["fieldsV1"]["f:spec"]
    assert "f:progressDeadlineSeconds" not in spec
    container = spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"c"}']
    assert set(container) == {".", "f:name", "f:image", "f:env"}
    assert set(container["f:env"]) == {'k:{"name":"A"}'}


def test_a_field_of_another_manager_is_a_conflict_unless_forced(server, maps):
    apply(server, maps, a_map("a", {"n": "1"}), "one")
    refused = apply(server, maps, a_map("a", {"n": "2"}), "two")
    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    cause = refused.body["details"]["causes"][0]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.n")
    assert 'conflict with "one"' in cause["message"]
    assert server("GET", f"{maps}/a").body["data"] == {"n": "1"}
    assert apply(server, maps, a_map("a", {"n": "2"}), "two", force=True).body["data"] == {"n": "2"}


def test_what_a_manager_no_longer_applies_goes_unless_another_owns_it(server, maps):
    apply(server, maps, a_map("a", {"mine": "1", "both": "1"}), "one")
    apply(server, maps, a_map("a", {"both": "1"}), "two")
    assert apply(server, maps, a_map("a", {}), "one").body["data"] == {"both": "1"}


def test_an_ordinary_write_takes_ownership(server, maps):
    apply(server, maps, a_map("a", {"n": "1"}), "one")
    server("PATCH", f"{maps}/a?fieldManager=editor", {"data": {"n": "2"}}, **MERGE)
    refused = apply(server, maps, a_map("a", {"n": "1"}), "one")
    assert refused.status == 409
    assert "editor" in refused.body["message"]


def test_list_entries_merge_by_key(server, deployments):
    apply(server, deployments, a_deployment())
    more = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "B", "value": "2"}]}]}}},
    }
    body = apply(server, deployments, more, "two").body
    env = body["spec"]["template"]["spec"]["containers"][0]["env"]
    assert sorted(each["name"] for each in env) == ["A", "B"]
    none = {**more, "spec": {}}
    body = apply(server, deployments, none, "two").body
    assert [each["name"] for each in body["spec"]["template"]["spec"]["containers"][0]["env"]] == ["A"]


def test_applying_nothing_takes_ones_hands_off(server, maps):
    server("POST", f"{maps}?fieldManager=theirs", a_map("a", {"n": "1"}, labels={"l": "1"}))
    apply(server, maps, a_map("a", {"x": "1"}, labels={"m": "1"}), "one")
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    body = apply(server, maps, bare, "one").body
    assert (body["data"], body["metadata"]["labels"]) == ({"n": "1"}, {"l": "1"})
    assert {entry["manager"] for entry in body["metadata"]["managedFields"]} == {"theirs"}


@pytest.mark.parametrize(("there", "status"), [(True, 422), (False, 409)])
def test_a_uid_in_an_apply_keeps_it_from_another_object(server, maps, there, status):
    """Where there is none of that name it is a conflict; where there is another, a field that cannot be changed."""
    if there:
        server("POST", maps, a_map("a"))
    answer = apply(server, maps, a_map("a", {"n": "1"}, uid=OTHER_UID), force=True)
    assert answer.status == status
    if there:
        assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.uid"]
    after = server("GET", f"{maps}/a")
    assert (after.status, after.body.get("data") or None) == ((200, None) if there else (404, None))


@pytest.mark.parametrize(("method", "status"), [("PUT", 409), ("PATCH", 422)])
def test_another_uid_is_refused(server, maps, method, status):
    server("POST", maps, a_map("a", {"n": "1"}))
    options = MERGE if method == "PATCH" else {}
    assert server(method, f"{maps}/a", a_map("a", {"n": "2"}, uid=OTHER_UID), **options).status == status
    assert server("GET", f"{maps}/a").body["data"] == {"n": "1"}


def test_apply_to_a_wrong_kind_or_name_is_400(server, maps):
    assert server("PATCH", f"{maps}/a?fieldManager=one", a_map("b"), **APPLY).status == 400
    assert server("PATCH", f"{maps}/a?fieldManager=one", a_deployment("a"), **APPLY).status == 400


def test_a_patch_may_change_who_owns_what(server, maps):
    """As client-go does where it moves fields from one manager to another."""
    made = server("POST", maps, a_map("a", {"n": "1"})).body["metadata"]
    renamed = [{**entry, "manager": "another"} for entry in made["managedFields"]]
    patch = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": made["resourceVersion"]},
        {"op": "replace", "path": "/metadata/managedFields", "value": renamed},
    ]
    moved = server("PATCH", f"{maps}/a", patch, **JSON)
    assert [entry["manager"] for entry in moved.body["metadata"]["managedFields"]] == ["another"]
    assert moved.body["data"] == {"n": "1"}
    assert server("PATCH", f"{maps}/a", patch, **JSON).status == 409


def test_ownership_that_cannot_be_understood_is_ignored(server, maps):
    made = server("POST", maps, a_map("a", {"n": "1"})).body["metadata"]["managedFields"]
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{"manager": "odd"}]}]
    kept = server("PATCH", f"{maps}/a", patch, **JSON).body["metadata"]["managedFields"]
    assert [entry["manager"] for entry in kept] == [entry["manager"] for entry in made]


PROBE = {"httpGet": {"path": "/", "port": 8080}, "initialDelaySeconds": 5}


def with_probe(probe, replicas=0):
    body = a_deployment(replicas=replicas)
    body["spec"]["template"]["spec"]["containers"][0] |= {"livenessProbe": probe} if probe else {}
    return body


def probe_of(answer):
    return answer.body["spec"]["template"]["spec"]["containers"][0].get("livenessProbe")


def test_what_was_filled_in_goes_with_what_it_was_filled_in_for(server, deployments):
    assert "scheme" in probe_of(apply(server, deployments, with_probe(PROBE)))["httpGet"]
    assert probe_of(apply(server, deployments, with_probe(None))) is None


def test_the_last_field_of_a_struct_takes_its_defaults_along(server, deployments):
    apply(server, deployments, with_probe({**PROBE, "tcpSocket": None}))
    answer = apply(server, deployments, with_probe({"tcpSocket": {"port": 80}}))
    assert probe_of(answer).keys() & {"httpGet", "tcpSocket"} == {"tcpSocket"}
    limited = a_deployment()
    limited["spec"] |= {"strategy": {"rollingUpdate": {"maxSurge": 1}}}
    apply(server, deployments, limited, "two", force=True)
    limited["spec"].pop("strategy")
    answer = apply(server, deployments, limited, "two", force=True)
    assert answer.body["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == "25%"


def test_a_struct_stays_for_what_another_manager_has_in_it(server, deployments):
    apply(server, deployments, with_probe(PROBE))
    apply(server, deployments, with_probe({"httpGet": {"port": 8080}}), "two")
    kept = probe_of(apply(server, deployments, with_probe(None)))
    assert kept["httpGet"] == {"path": "/", "port": 8080, "scheme": "HTTP"}
    assert "initialDelaySeconds" not in kept
    assert probe_of(apply(server, deployments, with_probe(None), "two")) is None


def test_a_field_of_any_name_is_no_struct(server, deployments):
    body = a_deployment()
    body["spec"]["template"]["spec"] |= {"nodeSelector": {"site": "a"}}
    apply(server, deployments, body)
    body["spec"]["template"]["spec"] |= {"nodeSelector": {}}
    assert "nodeSelector" not in apply(server, deployments, body).body["spec"]["template"]["spec"]
    noted = a_deployment(annotations={"note": "x"})
    apply(server, deployments, noted)
    assert "note" not in (apply(server, deployments, body).body["metadata"].get("annotations") or {})
