"""A fleet of rows that grows: so many NodeUnits, and about as many of everything else that is listed."""

import uuid

from django.contrib.auth.models import User
from django.utils import timezone

from sgportal.core.grids.kinds import KINDS
from sgportal.core.names import GRID_SELECTOR
from sgportal.core.text import say
from sgportal.models import (
    ApiToken,
    AuditEvent,
    Child,
    Grid,
    GridEvent,
    LabelJob,
    Namespace,
    ServiceGroup,
    Slice,
    WorkKey,
)
from sgportal.reconciler.queue import unit_history
from tests import builders
from tests.api.builders import child, manifest

KEY = "zone"
NAME = "echo"  # of a grid of each kind, and of a ServiceGroup


def unit_name(number: int) -> str:
    return f"unit-{number:03}"


def found(owner: User) -> None:
    """What there is one of, however large the fleet: the grids whose own pages are opened, and their ServiceGroup."""
    group = ServiceGroup.objects.create(namespace="default", name=NAME, key=KEY)
    for kind in KINDS:
        spec = manifest(NAME, kind, gridUniqKey=KEY)["spec"]
        grid = Grid.objects.create(
            kind=kind, namespace="default", name=NAME, key=KEY, spec=spec, group=group, seen_at=timezone.now()
        )
        grid.remember(owner.username)
    WorkKey.objects.create(key="duties/sweep", requested=1)
    builders.news()


def grow(owner: User, begin: int, end: int) -> None:
    """More of everything, numbered from `begin` to `end`."""
    numbers = range(begin, end)
    grids = list(Grid.objects.filter(name=NAME).order_by("kind"))
    for number in numbers:
        unit, node = (
            unit_name(number),
            builders.a_node(f"node-{number:03}", **{KEY: unit_name(number), f"key-{number}": "x"}),
        )
        for grid in grids:
            state = "UnitGone" if number % 3 == 2 else "Ready"
            builders.observed(grid, {unit: state})
        _lives_there(grids, unit, node.name, number)
        _happened(grids, owner, unit, number)
    grids[0].units.filter(state="UnitGone").update(retirement="held", held_since=timezone.now())
    unit_history.note_all()


def _lives_there(grids: list[Grid], unit: str, node: str, number: int) -> None:
    """A pod, a child, slices, and another grid with its ServiceGroup and namespace."""
    workload = next(grid for grid in grids if grid.kind == "DeploymentGrid")
    builders.a_pod(workload, unit, node, number)
    child(workload, unit)
    endpoint = {"addresses": [f"10.9.0.{number + 1}"], "conditions": {"ready": True}, "nodeName": node}
    metadata = {"name": f"{NAME}-svc-{number}", "namespace": "default", "labels": {GRID_SELECTOR: NAME}}
    body = {"metadata": metadata, "addressType": "IPv4", "endpoints": [endpoint], "ports": []}
    Slice.objects.create(namespace="default", name=metadata["name"], service=f"{NAME}-svc", body=body)
    Namespace.objects.create(name=f"space-{number}")
    group = ServiceGroup.objects.create(namespace=f"space-{number}", name=f"group-{number}", key=KEY)
    other = builders.a_grid(f"grid-{number:03}", KEY, f"space-{number}", group=group)
    builders.observed(other, [unit])
    annotated = {"name": f"other-{number}", "namespace": "default", "annotations": {"topologyKeys": f'["{KEY}"]'}}
    Child.objects.create(
        kind="Service",
        namespace="default",
        name=annotated["name"],
        uid=str(uuid.uuid4()),
        body={"metadata": annotated, "spec": {"selector": {"app": NAME}, "ports": [{"port": 80}]}},
    )


def _happened(grids: list[Grid], owner: User, unit: str, number: int) -> None:
    """An event and a revision of each grid, an entry of each kind in the audit trail, a job, a token."""
    for grid in grids:
        GridEvent.objects.create(
            path=grid.path, unit=unit, reason="Created", message=say("all pods are ready").to_json()
        )
        grid.generation += 1
        grid.remember(owner.username)
    AuditEvent.objects.create(actor=owner.username, door="page", verb="change", path=grids[0].path)
    AuditEvent.objects.create(actor=owner.username, door="page", verb="login", path="x", kind="access")
    LabelJob.objects.create(changes={KEY: unit}, author=owner.username)
    ApiToken.issue(owner, f"token {number}")
