"""A world in which every list has something in it, with what each answer is made of: good news and bad."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.contrib.auth.models import Group, User
from django.utils import timezone

from sgportal.cluster import Listing
from sgportal.core.names import OWNER_UID
from sgportal.core.text import say
from sgportal.core.traffic.dataplane import Plane, Trial
from sgportal.core.usage.measure import Amount, NodeSample, PodSample
from sgportal.models import (
    Approval,
    Child,
    DataPlane,
    Favourite,
    Grant,
    Grid,
    GridEvent,
    GridUnit,
    LabelJob,
    ManagementMode,
    Node,
    NodeLabel,
    NotificationChannel,
    Pod,
    SavedView,
    ServiceToken,
)
from sgportal.reconciler.cache.translate import child_row
from sgportal.reconciler.queue import unit_history
from sgportal.reconciler.usage import measuring

from .. import builders
from ..conftest import Api

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KINDS = {
    "deploymentgrids": "DeploymentGrid",
    "statefulsetgrids": "StatefulSetGrid",
    "servicegrids": "ServiceGrid",
}


def fill(api: Api) -> None:
    """Three labelled nodes, a grid of each kind in trouble, a package, a Service by hand, jobs, events, history."""
    builders.walkthrough()
    Node.objects.update(info={"nodeInfo": {"kubeletVersion": "v1.37.2"}, "annotations": {"a": "b"}})
    builders.node("node3", zone1="nodeunit1")  # Ready to the end, so that more replicas would help there
    Node.objects.filter(name="node2").update(ready="NotReady", taints=[{"key": "a", "effect": "NoSchedule"}])
    for plural, kind in KINDS.items():
        body = builders.manifest("web", kind)
        if kind != "ServiceGrid":
            body["spec"]["templatePool"] = {"big": body["spec"]["template"]}
            body["spec"]["rollout"] = builders.ROLLOUT
        assert api.post(plural, body).status_code == 201
        row = Grid.objects.get(kind=kind)
        _trouble(row, kind)
        if kind != "ServiceGrid":
            builders.rollout(row)
        message = say("%(kind)s “%(name)s” was created: %(reason)s", kind=kind, name="web", reason="y").to_json()
        GridEvent.objects.create(path=row.path, unit="nodeunit1", type="Normal", reason="Created", message=message)
    _live()
    used = Amount(Decimal("0.25"), Decimal(2**29))
    nodes = [NodeSample(each.name, used) for each in Node.objects.all()]
    measuring.keep(nodes, [PodSample(each.namespace, each.name, used) for each in Pod.objects.all()], WHEN)
    assert api.post("servicegroups", package()).status_code == 201
    member = Grid.objects.get(name="member")
    builders.cell(member, "nodeunit1")
    builders.rollout(member)
    asked = {"actor": "olga", "action": "delete", "path": member.path, "plan": "p", "shown": [{"verb": "delete"}]}
    Approval.objects.create(**asked, expires_at=timezone.now() + timedelta(hours=1))
    job = LabelJob.objects.create(
        changes={"a": "b", "c": None},
        results={
            "node0": {"before": {"a": None}, "state": "failed", "detail": "forbidden"},
            "node1": {"before": {"a": None}, "state": "done", "detail": ""},
        },
        author="olga",
    )
    LabelJob.objects.filter(pk=job.pk).update(finished_at=WHEN, state="failed")
    Grant.objects.create(group=Group.objects.create(name="staff"), role="viewer", namespaces="default")
    NotificationChannel.objects.create(name="ops", url="jsons://hooks.example/x", topics="units closure")
    ServiceToken.issue("ci", "operator", 30)
    ada = User.objects.get(username="ada")
    SavedView.objects.create(user=ada, name="down", address="/nodes/?ready=Unknown", shared=True)
    Favourite.objects.create(user=ada, kind="NodeUnit", place="zone1", name="nodeunit2")
    Grid.objects.filter(group__isnull=False).update(cluster_uid="u1", missing_since=timezone.now(), missing_held=True)
    _past()


def _past() -> None:
    """Nodes and grids that were in the NodeUnit for a day, and something that changed."""
    unit_history.note_all()
    for model in unit_history.MODELS:
        model.objects.update(since=timezone.now() - timedelta(days=1))
    Node.objects.filter(name="node0").update(ready="Unknown")
    GridUnit.objects.filter(name="nodeunit1").exclude(grid__kind="ServiceGrid").update(reason="Changed")
    NodeLabel.objects.filter(node__name="node1", key="zone1").delete()
    unit_history.note_all()


def package() -> dict:
    members = [{"kind": "DeploymentGrid", "metadata": {"name": "member"}, "spec": builders.manifest("member")["spec"]}]
    return {
        "apiVersion": "superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {"gridUniqKey": "zone1", "grids": members, "rollout": builders.ROLLOUT},
    }


def _trouble(row: Grid, kind: str) -> None:
    """Something that a person has to mend, with its remedy, and what a status can hold."""
    reason = "UnitWithoutEndpoint" if kind == "ServiceGrid" else "ImmutableField"
    if kind == "ServiceGrid":
        builders.cell(row, "")
    unit = builders.cell(row, "nodeunit1", "Blocked")
    type(unit).objects.filter(pk=unit.pk).update(reason=reason)
    builders.cell(row, "nodeunit2")
    note = {"reason": "Ignored", "message": "replicas is ignored"}
    row.status = {
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": "see the unit"}],
        "states": {"nodeunit1": {"replicas": 2, "readyReplicas": 0}},
        "units": [
            {"name": "nodeunit1", "state": "Blocked", "template": "", "reason": reason, "message": "m", "notes": [note]}
        ],
        "notes": [note],
    }
    row.state = "Blocked"
    row.save()


def _live() -> None:
    """What the watch would have seen: children, pods, and a Service that somebody made for SuperEdge's filter."""
    for kind in ("StatefulSet", "Deployment"):  # `child` makes a Deployment
        live = builders.child(Grid.objects.get(kind=f"{kind}Grid"), "nodeunit1")
        Child.objects.filter(pk=live.pk).update(kind=kind, body={**live.body, "kind": kind})
    uid = str(Grid.objects.get(kind="ServiceGrid").uid)
    metadata = {"name": "web-svc", "namespace": "default", "uid": "s", "annotations": {OWNER_UID: uid}}
    spec = {"clusterIP": "10.96.0.5", "selector": {"appGrid": "echo"}, "ports": [{"port": 80, "targetPort": 8080}]}
    body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    Child.objects.create(kind="Service", namespace="default", name="web-svc", uid="s", owner_uid=uid, body=body)
    builders.pod("p0", "node0", appGrid="echo")
    builders.pod("p1", "node1", appGrid="echo")
    Pod.objects.filter(name="p0").update(child_kind="Deployment", child="web-nodeunit1")
    GridUnit.objects.filter(grid__kind="DeploymentGrid", name="nodeunit1").update(child="web-nodeunit1")
    by_hand = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": "default",
            "name": "byhand",
            "uid": "h",
            "resourceVersion": "1",
            "annotations": {"topologyKeys": '["zone1"]'},
        },
        "spec": {**spec, "clusterIP": "10.96.0.6"},
    }
    child_row(by_hand).save()


def looked() -> None:
    """What looks at the cluster found: SuperEdge's controller, definitions that drop fields, a task that is done."""
    sentence = say("it runs").to_json()
    name = "deploymentgrids.superedge.io"
    definition = {"kind": "DeploymentGrid", "name": name, "maker": "superedge", "status": True}
    ManagementMode.change(
        mode="read-only",
        running=True,
        evidence=[sentence],
        cure=["kubectl scale …"],
        version="v1.37.2",
        looked_at=WHEN,
        definitions=[{**definition, "findings": [sentence]}],
        task={
            "name": "hand-back",
            "state": "done",
            "by": "ada",
            "at": "2026-01-02T03:04:05Z",
            "lines": [sentence],
            "commands": ["kubectl …"],
        },
    )
    DataPlane.keep(Plane("cilium", "true"), Trial(False, "no such field"), WHEN, WHEN)


class LookedUp:
    """A cluster that answers what is looked up in it: a pod in trouble, and an Event."""

    def list(self, kind: str, *_: object, **__: object) -> Listing:
        ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}
        state = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}
        status = {"name": "c", "restartCount": 2, "ready": False, "lastState": {"terminated": ended}, **state}
        pod = {
            "metadata": {"uid": "uid-p0"},
            "spec": {
                "initContainers": [{"name": "i", "image": "img:1"}],
                "containers": [{"name": "c", "image": "img:1"}],
            },
            "status": {"containerStatuses": [status], "conditions": [{"type": "Ready", "status": "False"}]},
        }
        about = {"kind": "Pod", "namespace": "default", "name": "p0"}
        event = {"metadata": {}, "involvedObject": about, "type": "Warning", "reason": "BackOff", "message": "m"}
        event |= {"count": 3, "lastTimestamp": "2026-01-02T03:04:05Z", "source": {"component": "kubelet"}}
        return Listing({"Pod": [pod], "Event": [event]}.get(kind, []), "1")
