"""Rows and manifests for tests of the REST API; nothing here needs a cluster."""

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import Group, User
from django.utils import timezone

from sgportal.core.grids.grid import parse
from sgportal.core.health import severity
from sgportal.core.names import GRID_SELECTOR
from sgportal.core.rollouts.state import Member, State
from sgportal.models import ApiToken, Child, Grid, GridUnit, Node, NodeLabel, Pod, ResourceSync, Rollout
from sgportal.reconciler.grids.rollouts import rows

DATA = Path(__file__).parent.parent / "data"
RESOURCES = ("nodes", "pods", "deployments", "statefulsets", "services")


def seed(name: str) -> bytes:
    """The bytes of one of the walk-through's manifests."""
    return (DATA / f"{name}.yaml").read_bytes()


def manifest(
    name: str = "echo", kind: str = "DeploymentGrid", namespace: str = "default", **spec: Any
) -> dict[str, Any]:
    """A valid manifest; keyword arguments replace fields of its spec."""
    found = yaml.safe_load(seed("servicegrid" if kind == "ServiceGrid" else "deploymentgrid"))
    found["kind"] = kind
    found["metadata"] = {"name": name, "namespace": namespace}
    if kind == "StatefulSetGrid":
        found["spec"]["template"].pop("strategy")
        found["spec"]["template"]["serviceName"] = "echo"
    found["spec"].update(spec)
    return copy.deepcopy(found)


def user(name: str, role: str) -> User:
    """Somebody with a role ("" for none)."""
    found = User.objects.create_user(name, password="secret-of-" + name)
    if role:
        found.groups.add(Group.objects.get_or_create(name=role)[0])
    return found


def token(owner: User, scope: str = "write", **how: Any) -> str:
    """The text of a new token."""
    return ApiToken.issue(owner, "test", scope, **how)[1]


def node(name: str, ready: str = "Ready", **labels: str) -> Node:
    """A node with these labels (`_` in a key stands for `-`)."""
    info = {
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "capacity": {"cpu": "4"},
        "nodeInfo": {"kubeletVersion": "v1.30.0"},
    }
    labels = {key.replace("_", "-"): value for key, value in labels.items()}
    row = Node.objects.create(
        name=name, uid=f"uid-{name}", labels=labels, ready=ready, info=info, created_at=timezone.now()
    )
    NodeLabel.objects.bulk_create(NodeLabel(node=row, key=key, value=value) for key, value in labels.items())
    return row


def grid(name: str = "echo", kind: str = "DeploymentGrid", namespace: str = "default", **fields: Any) -> Grid:
    """A stored grid."""
    body = manifest(name, kind, namespace)
    return Grid.objects.create(
        kind=kind, namespace=namespace, name=name, **{"key": "zone1", "spec": body["spec"], **fields}
    )


def cell(row: Grid, unit: str, state: str = "Ready", desired: int = 2, ready: int = 2, **loop: int) -> GridUnit:
    """What a grid has in a unit; `loop`: its nodes, and those served, of a ServiceGrid."""
    message = {"id": "%(ready)s of %(wanted)s pods are ready", "params": {"ready": ready, "wanted": desired}}
    return GridUnit.objects.create(
        grid=row,
        name=unit,
        state=state,
        severity=severity(state),
        reason="PodsReady",
        message=message,
        desired=desired,
        ready=ready,
        **loop,
    )


def pod(name: str, on: str, ready: bool = True, namespace: str = "default", **labels: str) -> Pod:
    """A pod on a node."""
    address = f"10.1.0.{Pod.objects.count() + 1}"
    return Pod.objects.create(
        uid=f"uid-{name}", namespace=namespace, name=name, node=on, ips=[address], ready=ready, labels=labels
    )


def child(row: Grid, unit: str) -> Child:
    """A live Deployment of a grid, as the cluster shows it."""
    name = f"{row.name}-{unit}"
    metadata = {
        "name": name,
        "namespace": row.namespace,
        "uid": f"uid-{name}",
        "labels": {GRID_SELECTOR: row.name, "superedge.io/grid-uniq-key": row.key},
        "annotations": {"sgportal.superedge.io/grid-uid": str(row.uid)},
    }
    spec = {**row.spec["template"], "replicas": 1}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": {}}
    return Child.objects.create(
        kind="Deployment",
        namespace=row.namespace,
        name=name,
        uid=metadata["uid"],
        grid_name=row.name,
        owner_uid=str(row.uid),
        body=body,
    )


def heard(ago: float = 0, failing: bool = False) -> None:
    """The cluster was last heard so many seconds ago; `failing`: it cannot be reached since then."""
    when = timezone.now() - timedelta(seconds=ago)
    for name in RESOURCES:
        ResourceSync.objects.update_or_create(
            resource=name,
            defaults={
                "synced_at": when,
                "heard_at": when,
                "failing_since": when if failing else None,
                "error": "connection refused" if failing else "",
            },
        )


def walkthrough() -> None:
    """The three labelled nodes of the walk-through, and a cluster that answers."""
    node("node0", zone1="nodeunit1")
    node("node1", zone1="nodeunit2")
    node("node2", zone1="nodeunit2")
    heard()


ROLLOUT = {"waves": [{"name": "canary", "units": ["nodeunit1"], "approval": True}]}


def rollout(
    grid: Grid,
    phase: str = "Progressing",
    reason: str = "AwaitingApproval",
    units: tuple[str, str] = ("nodeunit1", "nodeunit2"),
) -> Rollout:
    """The rollout of a grid with waves in its spec: the first unit has what is rolled out, the second waits."""
    members = {units[0]: Member(0, 1, grid.generation, "done", 1.7e9, 12.5), units[1]: Member(1, 1, 1)}
    found = Rollout(grid=grid, target=grid.generation, stable=1, generation=grid.generation, seed=5)
    state = State(grid.generation, phase, reason, ready_at=1.7e9, members=members)
    rows.store(grid, found, parse(grid.source()).rollout, None, state)
    return found
