"""Which pods the portal shows, to whom their logs, and who may run commands in them: those that belong to the cells of
grids and of ServiceGrids."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from ...core.access.scope import Right, Scope
from ...core.grids.kinds import KINDS
from ...core.text import say
from ...models import Grid, GridUnit, NodeLabel, Pod
from ...models.scopes.current import reading

NOBODY = "none"  # SGPORTAL_POD_LOGS where logs are not shown, SGPORTAL_EXEC where no commands are run


class PodCell(NamedTuple):
    """A cell that a pod belongs to: the path of the grid, and the NodeUnit."""

    grid: str
    unit: str


def log_role() -> str:
    """The least role for logs, "" where nobody may read them."""
    return _role(settings.SGPORTAL_POD_LOGS)


def exec_role() -> str:
    """The least role for commands in containers, "" where nobody may run any."""
    return _role(settings.SGPORTAL_EXEC)


def _role(named: str) -> str:
    return "" if named == NOBODY else named


def may_read_logs(rights: Iterable[Right]) -> bool:
    """Whether there are pods whose logs somebody with these rights may read."""
    return _holds(rights, log_role())


def may_exec(rights: Iterable[Right]) -> bool:
    """Whether there are pods in which somebody with these rights may run commands."""
    return _holds(rights, exec_role())


def _holds(rights: Iterable[Right], needed: str) -> bool:
    return bool(needed and Scope.of(rights, needed).bounds)


NO_LOGS = say("this portal does not show logs of pods (SGPORTAL_POD_LOGS)")
NO_EXEC = say("this portal runs no commands in pods (SGPORTAL_EXEC)")


def cells_of(pods: Iterable[Pod]) -> dict[int, list[PodCell]]:
    """By primary key the cells that each of these pods, as last seen, belongs to, in order: of the workload above it,
    and, for a role without limits, of the ServiceGrids whose Service selects it on a node of a NodeUnit. Three
    statements, however many pods."""
    pods = list(pods)
    workloads, units = _workloads(pods), _units(pods)
    # Which pods a Service selects its author says, who may be somebody with a limited role.
    services = _services(pods) if reading().is_all else []
    return {
        pod.pk: sorted(
            {*workloads.get((pod.namespace, pod.child_kind, pod.child), ()), *_serving(pod, services, units)}
        )
        for pod in pods
    }


def _workloads(pods: Sequence[Pod]) -> dict[tuple[str, str, str], list[PodCell]]:
    """The cells by namespace, kind and name of what is above these pods."""
    names = {pod.child for pod in pods} - {""}
    rows = GridUnit.objects.filter(child__in=names, grid__namespace__in={pod.namespace for pod in pods}).order_by()
    found: dict[tuple[str, str, str], list[PodCell]] = {}
    for kind, namespace, name, unit, child in rows.values_list(
        "grid__kind", "grid__namespace", "grid__name", "name", "child"
    ):
        cell = PodCell(f"{KINDS[kind].plural}/{namespace}/{name}", unit)
        found.setdefault((namespace, KINDS[kind].child_kind, child), []).append(cell)
    return found


def _services(pods: Sequence[Pod]) -> list[Grid]:
    """The ServiceGrids of these pods' namespaces."""
    namespaces = {pod.namespace for pod in pods}
    return list(Grid.objects.filter(kind="ServiceGrid", namespace__in=namespaces).defer("status", "whole"))


def _units(pods: Sequence[Pod]) -> dict[tuple[str, str], str]:
    """By name of node and label key the NodeUnit, on the nodes of these pods."""
    nodes = {pod.node for pod in pods} - {""}
    rows = NodeLabel.objects.filter(node__name__in=nodes).exclude(value="")
    return {(node, key): value for node, key, value in rows.values_list("node__name", "key", "value")}


def _serving(pod: Pod, services: Iterable[Grid], units: Mapping[tuple[str, str], str]) -> Iterator[PodCell]:
    for service in services:
        selector = (service.source()["spec"].get("template") or {}).get("selector") or {}
        unit = units.get((pod.node, service.key))
        if service.namespace == pod.namespace and unit and selector and selector.items() <= pod.labels.items():
            yield PodCell(service.path, unit)


def with_pages(pods: Iterable[Pod]) -> list[Pod]:
    """These pods, each knowing whether it has a page (`has_page`): whether it belongs to a cell."""
    pods = list(pods)
    cells = cells_of(pods)
    for pod in pods:
        pod.has_page = bool(cells[pod.pk])
    return pods


def pod_at(namespace: str, name: str) -> tuple[Pod, list[PodCell]] | None:
    """A pod with the cells that it belongs to, None where it belongs to none, or is not known."""
    row = Pod.objects.filter(namespace=namespace, name=name).first()
    cells = cells_of([row])[row.pk] if row else []
    return (row, cells) if row and cells else None


def pods_of_cells(grid: Grid, unit: str = "") -> QuerySet[Pod]:
    """The pods of a grid's workloads, or of the one in a NodeUnit."""
    rows = grid.units.exclude(child="")
    children = (rows.filter(name=unit) if unit else rows).values("child")
    return Pod.objects.filter(namespace=grid.namespace, child_kind=grid.grid_kind.child_kind, child__in=children)
