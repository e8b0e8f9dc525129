"""The cluster's state over REST, and who may decide who manages the grids."""

from datetime import UTC, datetime

import pytest

from sgportal import actions
from sgportal.core.names import OWNER_UID
from sgportal.core.plans.plan import Step
from sgportal.core.text import say
from sgportal.core.traffic.dataplane import Answer, Plane, Trial, cilium
from sgportal.models import AuditEvent, Child, DataPlane, Grid, ManagedCluster, ManagementMode, Node, Pod, WorkKey
from sgportal.queries.capabilities import abilities, capabilities
from sgportal.reconciler.cache.translate import child_row
from sgportal.reconciler.discovery import superedge
from sgportal.reconciler.discovery.superedge import ControllerObservation
from sgportal.reconciler.fleet import halt

from . import builders
from .builders import manifest

COMMAND = "kubectl --namespace edge-system scale deployment application-grid-controller --replicas=0"


@pytest.fixture
def running(db):
    """SuperEdge's controller runs, and the watch has noticed."""
    ManagementMode.change(
        mode="read-only", running=True, evidence=[say("it runs").to_json()], cure=[COMMAND], version="v1.37.2"
    )


@pytest.fixture
def looked(monkeypatch):
    """What a look at the cluster sees: nothing of SuperEdge."""
    monkeypatch.setattr(superedge, "look", lambda cluster: ControllerObservation("v1.37.2", (), (), ()))
    monkeypatch.setattr("sgportal.reconciler.process.connection.reading", lambda: None)


def test_what_the_cluster_is(as_):
    found = as_("vic").get("cluster").json()
    assert (found["version"], found["superedgeRuns"], found["task"]) == ("", None, None)
    assert found["management"]["mode"] == "managing"
    assert found["definitions"] == []
    assert found["closedLoop"] == {
        "kept": None,
        "reasons": [],
        "dataPlane": "unknown",
        "setting": "",
        "hintsKept": None,
        "lookedAt": None,
        "triedAt": None,
        "otherReaders": {"unseen": [], "cut": []},
    }


KEPT = Trial(True)
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def made(name):
    """The Service of a ServiceGrid, as the watch would have seen it."""
    uid = str(Grid.objects.get(name=name).uid)
    metadata = {"name": f"{name}-svc", "namespace": "default", "annotations": {OWNER_UID: uid}}
    spec = {"clusterIP": "10.96.0.5", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    Child.objects.create(kind="Service", namespace="default", name=f"{name}-svc", uid="s", owner_uid=uid, body=body)


def seen(plane, trial=KEPT):
    DataPlane.keep(plane, trial, WHEN, WHEN)


def test_what_the_cluster_can_keep(as_):
    seen(Plane("kube-proxy"))
    found = as_("vic").get("cluster").json()["closedLoop"]
    assert (found["kept"], found["reasons"], found["dataPlane"]) == (True, [], "kube-proxy")
    assert found["lookedAt"] == found["triedAt"] == "2026-01-02T03:04:05Z"
    seen(Plane("cilium", "true"), Trial(False, "no such field"))
    found = as_("vic").get("cluster", Accept_Language="zh-hans").json()["closedLoop"]
    assert (found["kept"], found["setting"], found["hintsKept"]) == (False, "true", False)
    assert "Cilium 代替 kube-proxy" in found["reasons"][0]
    assert "no such field" in found["reasons"][1]


@pytest.mark.parametrize("mode", ["strict", "failover", "prefer"])
def test_what_the_data_plane_cannot_keep_is_refused_with_the_reason(as_, mode):
    seen(Plane("cilium", "true"))
    wanted = manifest(
        "web", "ServiceGrid", closure={"mode": mode} | ({"failover": ["a"]} if mode == "failover" else {})
    )
    answer = as_("olga").post("servicegrids", wanted)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/spec/closure/mode"
    assert "Cilium" in error["detail"]
    assert (
        as_("olga").post("servicegrids", manifest("web", "ServiceGrid", closure={"mode": "wrapper"})).status_code == 201
    )


def test_what_is_not_known_is_neither_refused_nor_claimed(as_):
    builders.walkthrough()
    Node.objects.update(info={"nodeInfo": {"kubeletVersion": "v1.37.2"}})
    seen(cilium(Answer(refused="forbidden")))
    assert as_("vic").get("cluster").json()["closedLoop"]["kept"] is None
    assert (
        as_("olga").post("servicegrids", manifest("web", "ServiceGrid", closure={"mode": "strict"})).status_code == 201
    )
    made("web")
    rows = as_("vic").get("servicegrids/default/web/endpoints").json()["items"]
    assert {(row["state"], row["closed"], row["code"]) for row in rows} == {("unknown", None, "DataPlane")}
    assert "cilium-config cannot be read (forbidden)" in rows[0]["reason"]


def test_a_mode_that_can_no_longer_be_kept_is_shown_as_that(as_):
    builders.walkthrough()
    Node.objects.update(info={"nodeInfo": {"kubeletVersion": "v1.37.2"}})
    seen(Plane("kube-proxy"))
    assert as_("olga").post("servicegrids", manifest("web", "ServiceGrid")).status_code == 201
    grid = Grid.objects.get(name="web")
    Grid.objects.filter(pk=grid.pk).update(status={"closure": "strict"})
    assert as_("vic").get("servicegrids/default/web/endpoints").json()["items"][0]["mode"] == "strict"
    seen(Plane("cilium", "false"))
    row = as_("vic").get("servicegrids/default/web/endpoints").json()["items"][0]
    assert (row["mode"], row["state"], row["code"]) == ("strict", "unknown", "ServiceNotFound")
    (finding,) = as_("vic").get("servicegrids/default/web/plan").json()["findings"]
    assert finding["reason"] == "ClosureNotSupported"


def test_an_old_proxy_or_windows_makes_nothing_strict_unasked(as_):
    """Wherever it is read: by the pod of kube-proxy, which may be older than its kubelet, or by the system."""
    builders.walkthrough()
    seen(Plane("kube-proxy"))
    Node.objects.update(info={"nodeInfo": {"kubeletVersion": "v1.37.2", "operatingSystem": "linux"}})
    can = capabilities()
    assert (abilities().obeying, can.strict, can.everywhere) == (3, True, True)
    as_("olga").post("servicegrids", manifest("before", "ServiceGrid"))
    proxy, *others = (builders.pod(f"kube-proxy-{i}", f"node{i}", namespace="kube-system") for i in range(3))
    Pod.objects.filter(pk__in=[each.pk for each in others]).update(agent="kube-proxy", version="v1.37.2")
    Pod.objects.filter(pk=proxy.pk).update(agent="kube-proxy", version="v1.33.1")
    assert (abilities().obeying, capabilities().strict, capabilities().everywhere) == (2, True, False)
    body = as_("vic").get("cluster").json()["closedLoop"]
    assert any("1 of the cluster's 3 nodes do not obey" in each for each in body["reasons"])
    tried = as_("olga").post("servicegrids?dryRun=All", manifest("web", "ServiceGrid")).json()
    assert "selector" in str(tried["steps"][0]["changes"])
    strict = manifest("web", "ServiceGrid", closure={"mode": "strict"})
    warned = as_("olga").post("servicegrids?dryRun=All", strict).json()["warnings"]
    said = [each["detail"] for each in warned if each["pointer"] == "/spec/closure/mode"]
    assert said == ["1 nodes (node0) would be refused, unless their zone belongs to one NodeUnit"]
    Pod.objects.filter(pk=proxy.pk).update(version="v1.37.2")
    assert capabilities().everywhere
    Node.objects.filter(name="node1").update(
        info={"nodeInfo": {"kubeletVersion": "v1.37.2", "operatingSystem": "windows"}}
    )
    assert (abilities().obeying, capabilities().everywhere) == (2, False)


def test_a_node_without_a_kube_proxy_makes_nothing_strict_unasked_where_others_have_one(as_):
    builders.walkthrough()
    seen(Plane("kube-proxy"))
    Node.objects.update(info={"nodeInfo": {"kubeletVersion": "v1.37.2", "operatingSystem": "linux"}})
    for number in range(2):
        proxy = builders.pod(f"kube-proxy-{number}", f"node{number}", namespace="kube-system")
        Pod.objects.filter(pk=proxy.pk).update(agent="kube-proxy", version="v1.37.2")
    assert (capabilities().strict, capabilities().everywhere) == (True, False)
    (reason,) = as_("vic").get("cluster").json()["closedLoop"]["reasons"]
    assert reason.startswith("no kube-proxy was seen on 1 of the cluster's 3 nodes, while others have one")
    strict = manifest("web", "ServiceGrid", closure={"mode": "strict"})
    warned = as_("olga").post("servicegrids?dryRun=All", strict).json()["warnings"]
    said = [each["detail"] for each in warned if each["pointer"] == "/spec/closure/mode"]
    assert said == [
        "1 nodes (node2) have no kube-proxy that was seen, while others have: nobody knows what they would reach"
    ]
    Node.objects.filter(name="node2").delete()
    assert capabilities().everywhere


def test_it_is_one_question_what_the_cluster_can_keep(db, django_assert_num_queries):
    builders.walkthrough()
    seen(Plane("cilium", "true"))
    Node.objects.filter(name="node0").update(info={"nodeInfo": {"kubeletVersion": "v1.37.2"}})
    Node.objects.filter(name="node1").update(info={})
    with django_assert_num_queries(1):
        found = abilities()
    assert (found.nodes, found.obeying, found.keeping.kept) == (3, 1, False)
    Node.objects.all().delete()
    assert abilities().keeping.kept is False
    DataPlane.objects.all().delete()
    assert (abilities().nodes, abilities().keeping.kept, capabilities().strict) == (0, None, True)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "deploymentgrids", manifest()),
        ("POST", "apply", manifest()),
        ("POST", "nodes/label", {"nodes": ["n"], "set": {"a": "b"}}),
    ],
)
def test_writes_are_refused_with_the_cure_and_dry_runs_are_not(api, running, method, path, body):
    answer = api(method, path, body)
    assert answer.status_code == 409
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert COMMAND in answer.json()["detail"]
    assert api(method, f"{path}?dryRun=All", body).status_code != 409
    assert not WorkKey.objects.exists()


def test_the_overview_says_who_writes_and_why_not_we(as_, running):
    found = as_("vic").get("overview").json()["management"]
    assert (found["mode"], found["evidence"], found["cure"]) == ("read-only", ["it runs"], [COMMAND])


def test_only_an_administrator_decides(as_, running, looked):
    for path in ("superedge/takeover", "superedge/handback", "cluster/crds"):
        assert as_("olga").post(path, {}).status_code == 403
    assert as_("ada").post("superedge/takeover", {}).status_code == 200
    assert ManagementMode.now().decided_by == "ada"
    assert AuditEvent.objects.get(verb="take-over").after == {"mode": "managing", "forced": False}
    assert as_("ada").post("superedge/takeover", {}).status_code == 409


def test_a_dry_run_of_taking_over_changes_nothing(as_, running, looked):
    found = as_("ada").post("superedge/takeover?dryRun=All", {}).json()
    assert (found["steps"], found["refusal"]) == ([], None)
    assert ManagementMode.now().read_only


def test_taking_over_is_compared_in_the_transaction_that_decides_it(as_, running, looked, monkeypatch):
    step = Step("update", "Service", "default", "echo-svc", "", say("it differs"))

    def moved():
        return (("servicegrids/default/echo", step),) if actions.common.is_agreed() else ()

    plan = as_("ada").post("superedge/takeover?dryRun=All", {}).json()["id"]
    with monkeypatch.context() as patched:
        patched.setattr(actions.superedge, "takeover_steps", moved)
        assert as_("ada").post(f"superedge/takeover?plan={plan}", {}).status_code == 409
    assert ManagementMode.now().read_only
    assert as_("ada").post(f"superedge/takeover?plan={plan}", {}).status_code == 200


def test_what_is_sent_is_checked(as_, running, looked):
    wrong = as_("ada").post("superedge/takeover", {"force": "yes"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/force")
    assert as_("ada").post("superedge/handback", {"now": True}).status_code == 422


def test_handing_back_and_replacing_definitions_are_tasks(as_, looked):
    answer = as_("ada").post("cluster/crds", {})
    assert (answer.status_code, answer.json()["task"]["name"]) == (202, "definitions")
    plan = as_("ada").post("superedge/handback?dryRun=All", {})
    assert (plan.status_code, ManagementMode.now().handing_back) == (200, False)
    assert as_("ada").post("superedge/handback?plan=another", {}).status_code == 409
    answer = as_("ada").post(f"superedge/handback?plan={plan.json()['id']}", {})
    assert (answer.status_code, answer.json()["management"]["mode"]) == (202, "handing-back")
    assert set(WorkKey.objects.values_list("key", flat=True)) == {"cluster/definitions", "cluster/hand-back"}
    refused = as_("ada").post("superedge/takeover", {})
    assert (refused.status_code, "handed back" in refused.json()["detail"]) == (409, True)


def test_answers_speak_the_callers_language(as_, running):
    answer = as_("olga").post("deploymentgrids", manifest(), Accept_Language="zh-hans")
    assert "接管" in answer.json()["detail"]


def by_hand(name="byhand", keys='["zone1"]', **fields):
    spec = {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    metadata = {"namespace": "default", "name": name, "uid": name, "resourceVersion": "1"}
    metadata["annotations"] = {"topologyKeys": keys}
    row = child_row({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {**spec, **fields}})
    row.save()
    return row


def test_services_by_hand_are_shown_by_superedges_rule(as_):
    builders.walkthrough()
    Pod.objects.create(
        uid="p", namespace="default", name="p", labels={"app": "web"}, node="node1", ips=["10.1.0.7"], ready=True
    )
    by_hand()
    by_hand("nobody", selector=None)
    by_hand("unread", keys="zone1")
    by_hand("servicegrid-demo-svc")
    builders.grid("servicegrid-demo", "ServiceGrid")
    found = as_("vic").get("services").json()["items"]
    assert [(each["name"], each["topologyKeys"], each["nodes"]) for each in found] == [
        ("byhand", ["zone1"], {"unknown": 3}),
        ("nobody", ["zone1"], {}),
    ]
    assert found[0]["enforcement"] == "annotation"
    assert "without it, traffic goes to every NodeUnit" in found[0]["reason"]
    rows = as_("vic").get("services/default/byhand/endpoints").json()["items"]
    assert {row["node"]: [each["pod"] for each in row["endpoints"]] for row in rows} == {
        "node0": [],
        "node1": ["p"],
        "node2": ["p"],
    }
    assert all((row["mode"], row["observed"], row["closed"]) == ("wrapper", False, None) for row in rows)
    assert as_("vic").get("services/default/servicegrid-demo-svc/endpoints").status_code == 404
    seen(Plane("cilium", "false"))
    found = as_("vic").get("services").json()["items"][0]
    assert found["nodes"] == {"unknown": 3}
    assert "here Cilium carries the traffic" in found["reason"]


SEEN = {"uid": "here", "seen": "there", "grids": 3}


@pytest.fixture
def halted(db):
    """Another cluster answers."""
    halt.begin("another-cluster", SEEN)
    ManagedCluster.objects.update(uid="here")
    return ManagedCluster.now()


def test_why_everything_stops_and_what_may_be_chosen(as_, halted):
    found = as_("vic").get("cluster").json()
    assert found["uid"] == "here"
    assert (found["halt"]["id"], found["halt"]["reason"]) == (halted.halt_id, "another-cluster")
    assert "there" in found["halt"]["message"]
    assert [each["choice"] for each in found["halt"]["choices"]] == ["restore", "follow"]
    halt.end("another-cluster")
    assert as_("vic").get("cluster").json()["halt"] is None


def test_writes_are_refused_while_everything_stops_and_previews_are_not(as_, halted):
    answer = as_("ada").post("deploymentgrids", manifest())
    assert answer.status_code == 409
    assert "another cluster (there)" in answer.json()["detail"]
    assert as_("ada").post("deploymentgrids?dryRun=All", manifest()).status_code == 200


def test_an_operator_decides_about_what_was_shown(as_, halted):
    asked = {"choice": "follow", "halt": halted.halt_id}
    assert as_("vic").post("cluster/decision", asked).status_code == 403
    assert as_("olga").post("cluster/decision", {**asked, "halt": "0"}).status_code == 412
    assert as_("olga").post("cluster/decision", {**asked, "choice": "both"}).status_code == 409
    missing = as_("olga").post("cluster/decision", {"choice": "follow"})
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/halt")
    assert ManagedCluster.now().halt
    tried = as_("olga").post("cluster/decision?dryRun=All", asked)
    assert (tried.status_code, bool(tried.json()["halt"])) == (200, True)
    assert as_("olga").post("cluster/decision?plan=another", asked).status_code == 409
    assert ManagedCluster.now().halt
    done = as_("olga").post(f"cluster/decision?plan={tried.json()['id']}", asked)
    assert (done.status_code, done.json()["halt"], done.json()["uid"]) == (200, None, "there")
    assert (AuditEvent.objects.get(verb="follow").actor, ManagedCluster.now().decided_by) == ("olga", "olga")
    assert as_("olga").post("cluster/decision", asked).status_code == 409
