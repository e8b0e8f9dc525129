"""How objects leave: at once, held, with or without those they own, only if they are the ones that are meant."""

import pytest

from ..conftest import MERGE, a_deployment, a_map

NOBODY = "11111111-2222-3333-4444-555555555555"


def test_a_deleted_object_is_answered_with_a_status(server, maps):
    uid = server("POST", maps, a_map("a")).body["metadata"]["uid"]
    gone = server("DELETE", f"{maps}/a")
    assert (gone.status, gone.body["status"]) == (200, "Success")
    assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
    again = server("DELETE", f"{maps}/a")
    assert (again.status, again.body["reason"]) == (404, "NotFound")


@pytest.mark.parametrize("wrong", [{"uid": NOBODY}, {"resourceVersion": "1"}])
def test_preconditions(server, maps, wrong):
    made = server("POST", maps, a_map("a")).body["metadata"]
    refused = server("DELETE", f"{maps}/a", {"preconditions": wrong})
    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    right = {key: made[key] for key in wrong}
    assert server("DELETE", f"{maps}/a", {"preconditions": right}).status == 200


def test_where_there_is_a_body_the_query_is_not_looked_at(server, maps):
    """Not even for dryRun: who sends options as a body says it there."""
    server("POST", maps, a_map("a"))
    assert server("DELETE", f"{maps}/a", {"dryRun": ["All"]}).status == 200
    assert server("GET", f"{maps}/a").status == 200
    assert server("DELETE", f"{maps}/a?dryRun=All").status == 200
    assert server("GET", f"{maps}/a").status == 200
    assert server("DELETE", f"{maps}/a?dryRun=All", {"propagationPolicy": "Background"}).status == 200
    assert server("GET", f"{maps}/a").status == 404


@pytest.mark.parametrize("options", [{"propagationPolicy": "Odd"}, {"dryRun": ["Some"]}])
def test_options_that_are_refused(server, maps, options):
    server("POST", maps, a_map("a"))
    assert server("DELETE", f"{maps}/a", options).status == 422
    assert server("GET", f"{maps}/a").status == 200


def test_finalizers_hold_a_deletion(server, maps):
    server("POST", maps, a_map("a", finalizers=["example.com/wait", "example.com/too"]))
    held = server("DELETE", f"{maps}/a").body
    assert held["metadata"]["deletionTimestamp"]
    assert held["metadata"]["deletionGracePeriodSeconds"] == 0
    again = server("DELETE", f"{maps}/a").body
    assert again["metadata"]["deletionTimestamp"] == held["metadata"]["deletionTimestamp"]
    added = {"metadata": {"finalizers": ["example.com/wait", "example.com/new"]}}
    assert server("PATCH", f"{maps}/a", added, **MERGE).status == 422  # none can be added now
    changed = server("PATCH", f"{maps}/a", {"data": {"still": "changed"}}, **MERGE)
    assert changed.body["data"] == {"still": "changed"}
    server("PATCH", f"{maps}/a", {"metadata": {"finalizers": ["example.com/wait"]}}, **MERGE)
    assert server("GET", f"{maps}/a").status == 200
    server("PATCH", f"{maps}/a", {"metadata": {"finalizers": None}}, **MERGE)
    assert server("GET", f"{maps}/a").status == 404


def test_a_finalizer_has_a_qualified_name(server, maps):
    assert server("POST", maps, a_map("a", finalizers=["nonsense"])).status == 422


def test_delete_a_collection_by_selector(server, maps):
    for name in "abc":
        server("POST", maps, a_map(name, labels={"half": "1" if name < "c" else "2"}))
    assert server("DELETE", f"{maps}?labelSelector=half%3D1").status == 200
    names = {item["metadata"]["name"] for item in server("GET", maps).body["items"]}
    assert {"a", "b"} & names == set()
    assert "c" in names


def owned(server, maps, blocks=True, **metadata):
    owner = server("POST", maps, a_map("owner", **metadata)).body["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["uid"]}
    child = a_map("child", ownerReferences=[{**reference, "blockOwnerDeletion": blocks}])
    assert server("POST", maps, child).status == 201


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_dependents_go_with_their_owner(server, maps, policy):
    owned(server, maps)
    server("DELETE", f"{maps}/owner", {"propagationPolicy": policy})
    server.until(lambda: server("GET", f"{maps}/child").status == 404)
    server.until(lambda: server("GET", f"{maps}/owner").status == 404)


def test_in_the_foreground_the_owner_waits_for_those_who_block_it(server, maps):
    owned(server, maps)
    hold = {"metadata": {"finalizers": ["example.com/wait"]}}
    server("PATCH", f"{maps}/child", hold, **MERGE)
    going = server("DELETE", f"{maps}/owner", {"propagationPolicy": "Foreground"}).body["metadata"]
    assert (going["finalizers"], bool(going["deletionTimestamp"])) == (["foregroundDeletion"], True)
    server.until(lambda: "deletionTimestamp" in server("GET", f"{maps}/child").body["metadata"])
    assert server("GET", f"{maps}/owner").status == 200
    server("PATCH", f"{maps}/child", {"metadata": {"finalizers": None}}, **MERGE)
    server.until(lambda: server("GET", f"{maps}/owner").status == 404)


def test_orphans_stay(server, maps):
    owned(server, maps)
    going = server("DELETE", f"{maps}/owner", {"propagationPolicy": "Orphan"}).body["metadata"]
    assert going["finalizers"] == ["orphan"]
    server.until(lambda: server("GET", f"{maps}/owner").status == 404)
    assert "ownerReferences" not in server("GET", f"{maps}/child").body["metadata"]


def test_a_dangling_owner_means_deletion(server, maps):
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": NOBODY}
    assert server("POST", maps, a_map("child", ownerReferences=[reference])).status == 201
    server.until(lambda: server("GET", f"{maps}/child").status == 404)


def test_who_has_another_owner_stays_with_it(server, maps):
    owners = [server("POST", maps, a_map(name)).body["metadata"] for name in ("one", "two")]
    references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": o["name"], "uid": o["uid"]} for o in owners]
    server("POST", maps, a_map("child", ownerReferences=references))
    server("DELETE", f"{maps}/one")

    def left():
        return [each["name"] for each in server("GET", f"{maps}/child").body["metadata"]["ownerReferences"]]

    server.until(lambda: left() == ["two"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "metadata.ownerReferences[0].name"),
        ({"uid": ""}, "metadata.ownerReferences[0].uid"),
        ({"kind": ""}, "metadata.ownerReferences[0].kind"),
        ({"apiVersion": ""}, "metadata.ownerReferences[0].apiVersion"),
    ],
)
def test_owners_that_are_refused(server, maps, change, field):
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": NOBODY, **change}
    answer = server("POST", maps, a_map("x", ownerReferences=[reference]))
    assert answer.status == 422
    assert field in [cause["field"] for cause in answer.body["details"]["causes"]]


def test_two_controllers_are_refused(server, maps):
    references = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": n, "uid": f"u{n}", "controller": True} for n in ("a", "b")
    ]
    assert server("POST", maps, a_map("x", ownerReferences=references)).status == 422


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_must_stay(server, name):
    answer = server("DELETE", f"/api/v1/namespaces/{name}")
    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")


def test_a_namespace_takes_its_contents_along(server, namespace, maps, deployments):
    server("POST", maps, a_map("held", finalizers=["example.com/wait"]))
    server("POST", deployments, a_deployment())
    going = server("DELETE", f"/api/v1/namespaces/{namespace}").body
    assert going["status"]["phase"] == "Terminating"
    server.until(lambda: "deletionTimestamp" in server("GET", f"{maps}/held").body["metadata"])
    refused = server("POST", maps, a_map("late"))
    assert (refused.status, refused.body["details"]["causes"][0]["reason"]) == (403, "NamespaceTerminating")
    assert server("GET", f"/api/v1/namespaces/{namespace}").status == 200
    server("PATCH", f"{maps}/held", {"metadata": {"finalizers": None}}, **MERGE)
    assert server("GET", f"{maps}/held").status == 404


def test_an_empty_namespace_goes(server, namespace):
    server("DELETE", f"/api/v1/namespaces/{namespace}")
    server.until(lambda: server("GET", f"/api/v1/namespaces/{namespace}").status == 404)
