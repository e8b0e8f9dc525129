"""What nodes and pods use, as last measured: of whatever a page or a list shows, one statement for each kind of it.
Nothing at all where the portal does not measure."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from ...models import CellUsage, Grid, NodeUsage, Pod, PodUsage, UnitUsage
from ...models.usage import Measured

_MISSED = 3  # looks in a row, after which figures are old


def is_measured() -> bool:
    """Whether the portal asks what nodes and pods use (SGPORTAL_METRICS_SERVER)."""
    return bool(settings.SGPORTAL_METRICS_SERVER)


def is_old(usage: Measured) -> bool:
    """Whether something was due to be measured again some time ago."""
    return bool(usage.at < timezone.now() - timedelta(seconds=_MISSED * settings.SGPORTAL_USAGE_SECONDS))


def of_nodes(names: Iterable[str]) -> dict[str, NodeUsage]:
    """What nodes use, by name."""
    names = list(names) if is_measured() else []
    return {row.node: row for row in NodeUsage.objects.filter(node__in=names)} if names else {}


def of_units(key: str, names: Iterable[str]) -> dict[str, UnitUsage]:
    """What NodeUnits of a NodeGroup use, by name."""
    names = list(names) if is_measured() else []
    return {row.unit: row for row in UnitUsage.objects.filter(key=key, unit__in=names)} if names else {}


def of_pods(pods: Iterable[Pod]) -> dict[str, PodUsage]:
    """What pods use, by `<namespace>/<name>`."""
    places = {(pod.namespace, pod.name) for pod in pods} if is_measured() else set()
    if not places:
        return {}
    namespaces, names = {place[0] for place in places}, {place[1] for place in places}
    return {str(row): row for row in PodUsage.objects.filter(namespace__in=namespaces, name__in=names)}


def in_unit(key: str, unit: str) -> dict[str, CellUsage]:
    """What grids use in a NodeUnit, by path."""
    rows = CellUsage.objects.filter(key=key, unit=unit) if is_measured() else ()
    return {row.path: row for row in rows}


def of_grid(grid: Grid, units: Iterable[str]) -> dict[str, CellUsage]:
    """What a grid uses in NodeUnits, by name; in all of them together by ""."""
    if not is_measured():
        return {}
    found = CellUsage.objects.filter(kind=grid.kind, namespace=grid.namespace, name=grid.name, unit__in=list(units))
    return {row.unit: row for row in found}
