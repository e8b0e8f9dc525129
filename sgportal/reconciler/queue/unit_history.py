"""What nodes, their labels and cells were: a row for each time in which nothing about one of them changed.

Each function brings the history in line with the rows of the present, in a constant number of statements: what is not
so any more ends now, what is so and is not noted begins now. So it does not matter who changed a row, nor how often
this is called; a row that was changed without it is noted by `note_all`.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from ...models import CellHistory, Grid, LabelHistory, NodeHistory

MODELS = (NodeHistory, LabelHistory, CellHistory)
_BATCH = 500  # names in one statement


class _Kind(NamedTuple):
    """How one table follows the present: `source` and `same_subject` find the rows of the present, `facts` say by
    column what is so; `some` narrows to a number of names."""

    model: Any
    source: str
    subject: dict[str, str]
    facts: dict[str, str]
    told: dict[str, str]
    some: str
    only: str = ""


_NODES = _Kind(
    NodeHistory,
    "sgportal_node n",
    {"node": "n.name"},
    {"ready": "n.ready", "unschedulable": "n.unschedulable"},
    {},
    "node",
)
_LABELS = _Kind(
    LabelHistory,
    "sgportal_nodelabel l JOIN sgportal_node n ON n.id = l.node_id",
    {"node": "n.name", "key": "l.key"},
    {"value": "l.value"},
    {},
    "node",
)
# The children of a ServiceGrid are none of a NodeUnit's, so its cells have the revision by which they were judged.
_CELLS = _Kind(
    CellHistory,
    "sgportal_gridunit u JOIN sgportal_grid g ON g.id = u.grid_id",
    {"kind": "g.kind", "namespace": "g.namespace", "name": "g.name", "unit": "u.name"},
    {
        "key": "g.key",
        "state": "u.state",
        "reason": "u.reason",
        "revision": "CASE WHEN g.kind = 'ServiceGrid' THEN u.generation ELSE u.revision END",
    },
    {"message": "u.message"},
    "unit",
    "u.name <> ''",
)


def note_nodes(names: Collection[str]) -> None:
    """These nodes and their labels were written, or are gone. Four statements for `_BATCH` of them."""
    wanted = sorted(names)
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        _follow(_NODES, some)
        _follow(_LABELS, some)


def note_cells(grids: Sequence[Grid], units: Collection[str]) -> None:
    """Cells of these grids in these NodeUnits were written, or are gone. Two statements."""
    if units and grids:
        _follow(_CELLS, sorted(units), grids)


def note_end(grid: Grid) -> None:
    """A grid is gone. One statement."""
    mine = CellHistory.objects.filter(kind=grid.kind, namespace=grid.namespace, name=grid.name, until=None)
    mine.update(until=timezone.now())


def note_all() -> None:
    """Note whatever was not. Six statements."""
    for each in (_NODES, _LABELS, _CELLS):
        _follow(each)


def _follow(kind: _Kind, names: Sequence[str] = (), grids: Collection[Grid] = ()) -> None:
    table = kind.model._meta.db_table
    narrowed = [(kind.some, list(names))] if names else []
    # All columns with which the index of the present begins: by some of them a database goes through the whole of it.
    begins = ("kind", "namespace", "name") if grids else ()
    narrowed += [(column, sorted({getattr(each, column) for each in grids})) for column in begins]
    values = [value for _, some in narrowed for value in some]

    def within(columns: dict[str, str]) -> str:
        return "".join(f" AND {columns[name]} IN ({', '.join(['%s'] * len(some))})" for name, some in narrowed)

    columns = {**kind.subject, **kind.facts, **kind.told}
    noted = {name: f"{table}.{name}" for name in columns}
    same_subject = " AND ".join(f"{each} = {noted[name]}" for name, each in kind.subject.items())
    same = " AND ".join([same_subject, *(f"{each} = {noted[name]}" for name, each in kind.facts.items())])
    only = f" AND {kind.only}" if kind.only else ""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET until = %s WHERE until IS NULL{within(noted)}"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {kind.source} WHERE {same}{only})",
            [now, *values],
        )
        cursor.execute(
            f"INSERT INTO {table} (since, {', '.join(columns)}) SELECT %s, {', '.join(columns.values())}"  # noqa: S608
            f" FROM {kind.source} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE until IS NULL AND {same_subject})"
            f"{within(columns)}{only} ON CONFLICT DO NOTHING",
            [now, *values],
        )
