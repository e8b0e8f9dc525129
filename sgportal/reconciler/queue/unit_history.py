"""What nodes, their labels and cells were: a row for each time in which nothing about one of them changed. Of labels
only those whose keys are remembered (`remembered`).

Each function brings the history in line with the rows of the present, in a constant number of statements: what is not
so any more ends now, what is so and is not noted begins now. So it does not matter who changed a row, nor how often
this is called; a row that was changed without it is noted by `note_all`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from ...models import CellHistory, Grid, LabelHistory, Node, NodeHistory
from . import remembered

MODELS = (NodeHistory, LabelHistory, CellHistory)
_BATCH = 500  # names in one statement
_STATE = attrgetter("ready", "unschedulable")


class _Kind(NamedTuple):
    """How one table follows the present: `source` and `same_subject` find the rows of the present, `facts` say by
    column what is so. `only` and `noted` say of which rows of the present and of the history it is about."""

    model: Any
    source: str
    subject: dict[str, str]
    facts: dict[str, str]
    told: dict[str, str]
    only: str = ""
    noted: str = ""


_NODES = _Kind(
    NodeHistory,
    "sgportal_node n",
    {"node": "n.name", "cluster_id": "n.cluster_id"},
    {"ready": "n.ready", "unschedulable": "n.unschedulable"},
    {},
)
_KEPT = "IN (SELECT key, cluster_id FROM sgportal_rememberedlabel WHERE kept)"
_LABELS = _Kind(
    LabelHistory,
    "sgportal_nodelabel l JOIN sgportal_node n ON n.id = l.node_id",
    {"node": "n.name", "key": "l.key", "cluster_id": "n.cluster_id"},
    {"value": "l.value"},
    {},
    f"(l.key, l.cluster_id) {_KEPT}",
    f"(key, cluster_id) {_KEPT}",
)
# The children of a ServiceGrid are none of a NodeUnit's, so its cells have the revision by which they were judged.
_CELLS = _Kind(
    CellHistory,
    "sgportal_gridunit u JOIN sgportal_grid g ON g.id = u.grid_id",
    {"kind": "g.kind", "namespace": "g.namespace", "name": "g.name", "unit": "u.name", "cluster_id": "g.cluster_id"},
    {
        "key": "g.key",
        "state": "u.state",
        "reason": "u.reason",
        "revision": "CASE WHEN g.kind = 'ServiceGrid' THEN u.generation ELSE u.revision END",
    },
    {"message": "u.message"},
    "u.name <> ''",
)


def note_written(nodes: Iterable[tuple[Node, Node | None]]) -> None:
    """These nodes were written; each comes with what it was. Nothing is done for labels that are not remembered. Five
    statements for `_BATCH` of them."""
    pairs = list(nodes)
    changed = {row.name for row, was in pairs if _STATE(row) != (was and _STATE(was))}
    labelled = [(row.name, _altered(row.labels, was.labels if was else {})) for row, was in pairs]
    keys = remembered.keys() if any(altered for _, altered in labelled) else frozenset()
    _follow_some(_NODES, changed)
    _follow_some(_LABELS, {name for name, altered in labelled if altered & keys})


def _altered(labels: dict[str, str], before: dict[str, str]) -> set[str]:
    return {key for key, _ in labels.items() ^ before.items()}


def note_gone(names: Iterable[str]) -> None:
    """These nodes are gone. Four statements for `_BATCH` of them."""
    wanted = set(names)
    _follow_some(_NODES, wanted)
    _follow_some(_LABELS, wanted)


def _follow_some(kind: _Kind, nodes: Collection[str]) -> None:
    wanted = sorted(nodes)
    for start in range(0, len(wanted), _BATCH):
        _follow(kind, {"node": wanted[start : start + _BATCH]})


def remember(keys: Iterable[str]) -> None:
    """From now on, if not so far, it is kept which nodes have which labels of these keys. A statement, two more for
    what was not."""
    if added := remembered.add(keys):
        _follow(_LABELS, {"key": sorted(added)})


def note_cells(grids: Sequence[Grid], units: Collection[str]) -> None:
    """Cells of these grids in these NodeUnits were written, or are gone. Two statements."""
    if units and grids:
        # All columns with which the index of the present begins: by some a database goes through the whole of it.
        names = {each: sorted({getattr(grid, each) for grid in grids}) for each in ("kind", "namespace", "name")}
        _follow(_CELLS, {"unit": sorted(units), **names})


def note_end(grid: Grid) -> None:
    """A grid is gone. One statement."""
    mine = CellHistory.objects.filter(kind=grid.kind, namespace=grid.namespace, name=grid.name, until=None)
    mine.update(until=timezone.now())


def note_all() -> None:
    """See which labels are to be remembered, and note whatever was not."""
    remembered.review()
    for each in (_NODES, _LABELS, _CELLS):
        _follow(each)


def _follow(kind: _Kind, narrowed: Mapping[str, Sequence[str]] | None = None) -> None:
    table, narrowed = kind.model._meta.db_table, narrowed or {}
    values = [value for some in narrowed.values() for value in some]

    def within(columns: Mapping[str, str], also: str) -> str:
        found = [f"{columns[name]} IN ({', '.join(['%s'] * len(some))})" for name, some in narrowed.items()]
        return "".join(f" AND {each}" for each in (*found, also) if each)

    columns = {**kind.subject, **kind.facts, **kind.told}
    noted = {name: f"{table}.{name}" for name in columns}
    same_subject = " AND ".join(f"{each} = {noted[name]}" for name, each in kind.subject.items())
    same = " AND ".join([same_subject, *(f"{each} = {noted[name]}" for name, each in kind.facts.items())])
    only = f" AND {kind.only}" if kind.only else ""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET until = %s WHERE until IS NULL{within(noted, kind.noted)}"  # noqa: S608
            f" AND NOT EXISTS (SELECT 1 FROM {kind.source} WHERE {same}{only})",
            [now, *values],
        )
        cursor.execute(
            f"INSERT INTO {table} (since, {', '.join(columns)}) SELECT %s, {', '.join(columns.values())}"  # noqa: S608
            f" FROM {kind.source} WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE until IS NULL AND {same_subject})"
            f"{within(columns, kind.only)} ON CONFLICT DO NOTHING",
            [now, *values],
        )
