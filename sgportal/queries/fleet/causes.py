"""What makes the cells and nodes of a NodeGroup unhealthy, grouped by cause: sums by the database, no row per cell."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet

from ...core.grids.kinds import KINDS
from ...core.health import STATES, UNHEALTHY, State
from ...core.status.causes import NODE_NOT_READY, NODE_UNKNOWN, Cause, grouped, worst_first
from ...core.text import Sentence
from ...models.cache import NodeLabel
from ...models.intent import Grid, GridUnit
from ...models.scopes.part import is_limited

_OF_NODES: dict[str, tuple[str, State]] = {
    "NotReady": (NODE_NOT_READY, "NotReady"),
    "Unknown": (NODE_UNKNOWN, "Offline"),
}


def causes_of_group(key: str) -> list[Cause]:
    """Why cells and nodes of a NodeGroup are unhealthy, the worst first. Four statements."""
    cells = causes_of_cells(GridUnit.objects.filter(grid__key=key))
    return grouped([*cells, *_of_whole_grids(key)], _of_nodes(key))


def causes_within(key: str, path: str = "", unit: str = "") -> list[Cause]:
    """The causes of a NodeGroup, or of the cells of one of its grids, of one of its NodeUnits, or of both."""
    if not path and not unit:
        return causes_of_group(key)
    cells = GridUnit.objects.filter(grid__key=key)
    if path:
        plural, namespace, name = [*path.split("/"), "", ""][:3]
        kind = next((each.kind for each in KINDS.values() if each.plural == plural), "")
        cells = cells.filter(grid__kind=kind, grid__namespace=namespace, grid__name=name)
    return worst_first(causes_of_cells(cells.filter(name=unit) if unit else cells))


def causes_of_cells(cells: QuerySet[GridUnit]) -> list[Cause]:
    """Why the unhealthy ones of these cells are so, in no order. Two statements, one where all are healthy."""
    found = cells.filter(severity__lt=len(UNHEALTHY)).order_by().values("reason")
    rows = list(
        found.annotate(
            worst=Min("severity"),
            cells=Count("pk"),
            # The Service itself, which all units share, stands under the unit "".
            units=Count("name", filter=~Q(name=""), distinct=True),
            grids=Count("grid", distinct=True),
            first=Min("pk"),
        )
    )
    if not rows:
        return []
    examples = GridUnit.objects.select_related("grid").defer("grid__status", "grid__spec", "grid__whole")
    known = examples.in_bulk([row["first"] for row in rows])
    return [_cause(row, known[row["first"]]) for row in rows if row["first"] in known]


def _cause(row: dict[str, Any], example: GridUnit) -> Cause:
    return Cause(
        row["reason"],
        STATES[row["worst"]],
        cells=row["cells"],
        units=row["units"],
        grids=row["grids"],
        unit=example.name,
        path=example.grid.path,
        sentence=example.sentence if example.message else None,
    )


def _of_whole_grids(key: str) -> Iterator[Cause]:
    """What keeps a grid as a whole from having cells at all; not for whoever may see some of its NodeUnits only."""
    if is_limited():
        return
    blocked = Grid.objects.filter(key=key, state="Blocked").annotate(finding=F("whole__finding"))
    for kind, namespace, name, finding in blocked.values_list("kind", "namespace", "name", "finding"):
        if finding:
            path = Grid(kind=kind, namespace=namespace, name=name).path
            yield Cause(
                finding["reason"], "Blocked", grids=1, path=path, sentence=Sentence.from_json(finding["message"])
            )


def _of_nodes(key: str) -> Iterator[Cause]:
    rows = NodeLabel.objects.filter(key=key, node__ready__in=_OF_NODES).exclude(value="").order_by()
    counted = rows.values("node__ready").annotate(
        nodes=Count("pk"), units=Count("value", distinct=True), unit=Min("value")
    )
    for row in counted:
        reason, state = _OF_NODES[row["node__ready"]]
        yield Cause(reason, state, units=row["units"], nodes=row["nodes"], unit=row["unit"])
