"""A fleet in rows alone, as a watch and workers would leave it: for sizes that no embedded cluster shows in minutes."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

BATCH = 2000
IMAGE = "registry.example/app:1"
# What some of the cells are, so that lists have something to put first.
TROUBLES = ("Degraded", "Progressing", "Offline", "Blocked")
LISTED = 200  # units that a stored status lists at most
LABELS = 8  # of each node, besides that of its NodeUnit


def fill(nodes: int, units: int, grids: int, pods: int, key: str = "site") -> None:
    """Store so many of each. Every grid has a cell in every unit; one cell in fifty is not Ready."""
    from django.utils import timezone

    from sgportal.models import Grid, GridUnit, Node, NodeLabel, Pod, ResourceSync

    now = timezone.now()
    store(Node, (_node(number, units, key) for number in range(nodes)))
    rows = list(Node.objects.values_list("pk", "labels"))
    store(NodeLabel, (NodeLabel(node_id=pk, key=each, value=labels[each]) for pk, labels in rows for each in labels))
    store(Grid, (_grid(number, units, key) for number in range(grids)))
    known = list(Grid.objects.order_by("pk"))
    store(GridUnit, (_cell(grid, unit, units) for grid in known for unit in range(units)))
    store(Pod, (_pod(number, nodes, units, known) for number in range(pods)))
    for resource in ("nodes", "pods"):
        ResourceSync.objects.update_or_create(resource=resource, defaults={"synced_at": now, "heard_at": now})
    _analyze()


def _analyze() -> None:
    """As a database does by itself after a while."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def store(model: Any, rows: Iterator[Any]) -> None:
    """Insert rows in batches."""
    while some := list(islice(rows, BATCH)):
        model.objects.bulk_create(some)


def unit_name(number: int) -> str:
    """The name of a NodeUnit."""
    return f"unit-{number:04}"


def _node(number: int, units: int, key: str) -> Any:
    from sgportal.models import Node

    labels = {f"example.com/label-{each}": f"value-{number % (each + 2)}" for each in range(LABELS - 1)}
    labels = {key: unit_name(number % units), "kubernetes.io/hostname": f"edge-{number:05}", **labels}
    info = {
        "addresses": [{"type": "InternalIP", "address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}],
        "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "nodeInfo": {"kubeletVersion": "v1.34.1", "operatingSystem": "linux"},
    }
    return Node(name=f"edge-{number:05}", uid=f"n{number}", labels=labels, ready="Ready", info=info)


def _grid(number: int, units: int, key: str) -> Any:
    from sgportal.models import Grid

    labels = {"app": f"grid-{number}"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": IMAGE}]}}
    spec = {"gridUniqKey": key, "template": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}}
    counts = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    said = {"state": "Ready", "template": "default", "reason": "AllReady", "message": "all pods are ready"}
    names = [unit_name(each) for each in range(min(units, LISTED))]
    status = {
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": "True", "reason": "AllReady", "message": "all pods are ready"}],
        "states": {name: {**counts, "conditions": [{"type": "Available", "status": "True"}]} for name in names},
        "units": [{"name": name, **said} for name in names],
    }
    name = f"grid-{number:02}"
    return Grid(kind="DeploymentGrid", namespace="default", name=name, key=key, spec=spec, status=status, state="Ready")


def _cell(grid: Any, unit: int, units: int) -> Any:
    from sgportal.core.health import severity
    from sgportal.core.text import say
    from sgportal.models import GridUnit

    number = grid.pk * units + unit
    state = TROUBLES[number % len(TROUBLES)] if number % 50 == 0 else "Ready"
    name, ready = unit_name(unit), 5 if state == "Ready" else 2
    return GridUnit(
        grid=grid,
        name=name,
        state=state,
        severity=severity(state),
        reason="AllReady" if ready == 5 else "RollingOut",
        message=say("%(ready)s of %(wanted)s pods are ready", ready=ready, wanted=5).to_json(),
        template="default",
        child=f"{grid.name}-{name}",
        desired=5,
        ready=ready,
        updated=5,
        nodes=10,
        served=10,
    )


def _pod(number: int, nodes: int, units: int, grids: list[Any]) -> Any:
    from sgportal.models import Pod

    grid, node = grids[number % len(grids)], number % nodes
    child = f"{grid.name}-{unit_name(node % units)}"
    return Pod(
        uid=f"p{number}",
        namespace="default",
        name=f"{child}-{number}",
        labels={"app": grid.name},
        node=f"edge-{node:05}",
        ips=[f"10.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"],
        ready=True,
        phase="Running",
        child_kind="Deployment",
        child=child,
    )
