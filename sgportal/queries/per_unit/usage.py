"""What nodes and pods use, as last measured: of whatever a page or a list shows, one statement for each kind of it.
Nothing at all where the portal does not measure."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet, Subquery
from django.utils import timezone

from ...models import CellUsage, Grid, NodeUsage, Pod, PodUsage, UnitUsage, UsageSource
from ...models.usage import Measured

Row = TypeVar("Row", bound=Measured)
_MISSED = 3  # looks in a row, after which figures are old


def is_measured() -> bool:
    """Whether the portal asks what nodes and pods use (SGPORTAL_METRICS_SERVER, SGPORTAL_PROMETHEUS_URL)."""
    return bool(settings.SGPORTAL_METRICS_SERVER or settings.SGPORTAL_PROMETHEUS_URL)


def measured_by() -> str:
    """What is asked, by the name that people know it by."""
    return "Prometheus" if settings.SGPORTAL_PROMETHEUS_URL else "metrics.k8s.io"


def is_old(usage: Measured) -> bool:
    """Whether something that was found here was due to be measured again some time ago: the pause between two looks may
    be longer than the setting says."""
    every = max(settings.SGPORTAL_USAGE_SECONDS, getattr(usage, "pause", None) or 0)
    return bool(usage.at < timezone.now() - timedelta(seconds=_MISSED * every))


def _found(model: type[Row], **wanted: Any) -> QuerySet[Row]:
    """Rows of what is measured, each with the pause until the next look."""
    pause = Subquery(UsageSource.objects.values("pause")[:1])
    rows: QuerySet[Row] = model._default_manager.filter(**wanted).annotate(pause=pause)
    return rows


def of_nodes(names: Iterable[str]) -> dict[str, NodeUsage]:
    """What nodes use, by name."""
    names = list(names) if is_measured() else []
    return {row.node: row for row in _found(NodeUsage, node__in=names)} if names else {}


def of_units(key: str, names: Iterable[str]) -> dict[str, UnitUsage]:
    """What NodeUnits of a NodeGroup use, by name."""
    names = list(names) if is_measured() else []
    return {row.unit: row for row in _found(UnitUsage, key=key, unit__in=names)} if names else {}


def of_pods(pods: Iterable[Pod]) -> dict[str, PodUsage]:
    """What pods use, by `<namespace>/<name>`."""
    places = {(pod.namespace, pod.name) for pod in pods} if is_measured() else set()
    if not places:
        return {}
    namespaces, names = {place[0] for place in places}, {place[1] for place in places}
    return {str(row): row for row in _found(PodUsage, namespace__in=namespaces, name__in=names)}


def in_unit(key: str, unit: str) -> dict[str, CellUsage]:
    """What grids use in a NodeUnit, by path."""
    rows = _found(CellUsage, key=key, unit=unit) if is_measured() else ()
    return {row.path: row for row in rows}


def of_grid(grid: Grid, units: Iterable[str]) -> dict[str, CellUsage]:
    """What a grid uses in NodeUnits, by name; in all of them together by ""."""
    if not is_measured():
        return {}
    found = _found(CellUsage, kind=grid.kind, namespace=grid.namespace, name=grid.name, unit__in=list(units))
    return {row.unit: row for row in found}
