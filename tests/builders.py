"""A cast and a world for tests that begin from rows: people with roles, nodes, pods, grids and what was observed of
them. Each builder stores what it makes; everything it is not told has a plain value."""

import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from sgportal.core.health import of_all, severity
from sgportal.core.text import say
from sgportal.models import Grid, GridUnit, Node, NodeLabel, Pod, ResourceSync, ServiceGroup
from sgportal.reconciler.grids.status.sums import made_of

PASSWORD = "a long enough password"


def a_person(name: str = "ada", role: str = "admin") -> User:
    """Somebody with a role ("" for none)."""
    person = User.objects.create_user(name, password=PASSWORD)
    if role:
        person.groups.add(Group.objects.get_or_create(name=role)[0])
    return person


def a_node(name: str, ready: str = "Ready", **labels: str) -> Node:
    """A node with labels; `_` in a keyword stays `_`, so pass other keys as a dict to `label`."""
    node = Node.objects.create(name=name, uid=str(uuid.uuid4()), ready=ready, ready_since=timezone.now())
    return label(node, labels)


def label(node: Node, labels: Mapping[str, str]) -> Node:
    """Add labels to a node, in its row and in the rows the database groups by."""
    node.labels = {**node.labels, **labels}
    node.save()
    for key, value in labels.items():
        NodeLabel.objects.update_or_create(node=node, key=key, defaults={"value": value})
    return node


def nodes(count: int, key: str = "zone", units: int = 3) -> None:
    """Many nodes, spread over some units, with few queries."""
    made = Node.objects.bulk_create(
        Node(name=f"node-{n:04}", uid=f"u{n}", ready="Ready", labels={key: f"unit-{n % units:03}"})
        for n in range(count)
    )
    NodeLabel.objects.bulk_create(NodeLabel(node=node, key=key, value=node.labels[key]) for node in made)


def workload(image: str = "registry.example/echo:1", app: str = "echo", replicas: int = 2) -> dict[str, Any]:
    """The spec of a Deployment."""
    container = {"name": "echo", "image": image, "ports": [{"containerPort": 8080, "protocol": "TCP"}]}
    pod = {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container]}}
    return {"replicas": replicas, "selector": {"matchLabels": {"app": app}}, "template": pod}


def a_grid(
    name: str = "echo", key: str = "zone", namespace: str = "default", group: ServiceGroup | None = None, **spec: Any
) -> Grid:
    """A DeploymentGrid with its first revision."""
    whole = {"gridUniqKey": key, "template": workload(), **spec}
    grid = Grid.objects.create(
        kind="DeploymentGrid", namespace=namespace, name=name, key=key, spec=whole, group=group, seen_at=timezone.now()
    )
    grid.remember("ada")
    return grid


def a_service(name: str = "echo", key: str = "zone", namespace: str = "default", app: str = "echo") -> Grid:
    """A ServiceGrid in front of `a_grid`."""
    template = {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}]}
    spec = {"gridUniqKey": key, "template": template}
    grid = Grid.objects.create(
        kind="ServiceGrid", namespace=namespace, name=name, key=key, spec=spec, state="Ready", seen_at=timezone.now()
    )
    grid.remember("ada")
    return grid


_WHY = {
    "Ready": ("AllReady", say("all pods are ready")),
    "Progressing": ("RollingOut", say("%(ready)s of %(wanted)s pods are ready", ready=1, wanted=2)),
    "Degraded": ("NoReadyNode", say("no node of the unit is ready")),
    "Offline": ("NodesUnreachable", say("no node of the unit responds; the counts are the last known")),
    "UnitGone": (
        "UnitGone",
        say(
            "NodeUnit “%(unit)s” has no nodes; its workload is kept for a grace time of %(minutes)s minutes",
            unit="x",
            minutes=60,
        ),
    ),
    "Blocked": ("TemplateNotFound", say("there is no template “%(name)s” in templatePool", name="big")),
}


def observed(grid: Grid, units: Mapping[str, str] | Iterable[str], desired: int = 2) -> Grid:
    """Note what was observed of a grid: each unit with its state (Ready where only names are given)."""
    states = dict(units) if isinstance(units, Mapping) else dict.fromkeys(units, "Ready")
    GridUnit.objects.bulk_create(
        GridUnit(
            grid=grid,
            name=name,
            state=state,
            severity=severity(state),
            reason=_WHY[state][0],
            message=_WHY[state][1].to_json(),
            template="default",
            child=f"{grid.name}-{name}",
            desired=desired,
            ready={"Ready": desired, "Offline": desired}.get(state, desired // 2),
            updated=desired,
        )
        for name, state in states.items()
    )
    grid.state = of_all(states.values())
    grid.observed_generation = grid.generation
    grid.status = {"conditions": [], "observedGeneration": grid.generation}
    for name, value in made_of(grid.units.all()).items():
        setattr(grid, name, value)
    grid.save()
    return grid


def a_pod(grid: Grid, unit: str, node: str, number: int = 0, *, ready: bool = True, reason: str = "") -> Pod:
    """A pod of a grid's child."""
    return Pod.objects.create(
        uid=str(uuid.uuid4()),
        namespace=grid.namespace,
        name=f"{grid.name}-{unit}-{number}",
        labels=dict(grid.spec["template"]["template"]["metadata"]["labels"]),
        node=node,
        ips=[f"10.0.{abs(hash(unit)) % 250}.{number + 1}"],
        ready=ready,
        phase="Running" if ready else "Pending",
        reason=reason,
        child_kind="Deployment",
        child=f"{grid.name}-{unit}",
        created_at=timezone.now(),
    )


def news(seconds: int = 3, unreachable: int | None = None) -> None:
    """How old the news is; `unreachable` is for how many seconds the cluster has been out of reach."""
    now = timezone.now()
    since = now - timedelta(seconds=unreachable) if unreachable is not None else None
    ResourceSync.objects.update_or_create(
        resource="nodes",
        defaults={
            "synced_at": now,
            "heard_at": now - timedelta(seconds=seconds),
            "failing_since": since,
            "error": "no route to host" if since else "",
        },
    )


def one_line(html: str) -> str:
    """A page without the line breaks and indents of its templates."""
    return re.sub(r">\s+<", "><", " ".join(html.split())).replace("> ", ">")
