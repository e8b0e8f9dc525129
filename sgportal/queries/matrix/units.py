"""The NodeUnits of a NodeGroup, each with its nodes and pods counted: sums, filter, order and page by one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection

from ...core.health import STATES, UNHEALTHY, is_unhealthy, severity
from ...models.cache import NodeLabel
from ...models.intent import GridUnit
from ...models.scopes.rows import table

Order = Literal["name", "worst"]
ALL = 2**31 - 1  # units, where no page is asked for


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A NodeUnit with its nodes and pods counted over all grids of its key. `node_state` is that of its nodes alone;
    `state` the worst of that and of what each grid has there."""

    group: str
    name: str
    nodes: int
    ready_nodes: int
    node_state: str
    state: str
    pods_desired: int = 0
    pods_ready: int = 0

    @property
    def unhealthy(self) -> bool:
        """Whether somebody should look at it."""
        return is_unhealthy(self.state)


@dataclass(frozen=True, slots=True)
class UnitPage:
    """Some of a NodeGroup's units, and whether there are `more` behind them. `count` is how many meet the filters, on
    all pages; `totals` are of all units, whatever the filters."""

    units: tuple[UnitRow, ...]
    more: bool
    count: int
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UnitFilter:
    """Which units: `only` of this name, those with `search` in the name or in that of a node, the `unhealthy` ones or
    the others, those with a grid that is unhealthy for this `reason`."""

    only: str = ""
    search: str = ""
    unhealthy: bool | None = None
    reason: str = ""


NO_FILTER = UnitFilter()

# `core.units.Unit.state` and `core.health.worst` over counts; tests/queries holds them together. Every unit that has
# nodes or cells is there. The row of `part` 0 are the totals.
_SQL = """
WITH members AS (
    SELECT l.value AS name, COUNT(*) AS nodes,
        COUNT(*) FILTER (WHERE n.ready = 'Ready') AS ready_nodes,
        COUNT(*) FILTER (WHERE n.ready = 'Unknown') AS unknown_nodes
    FROM {labels} l JOIN sgportal_node n ON n.id = l.node_id
    WHERE l.key = %(key)s AND l.value <> '' AND (%(only)s = '' OR l.value = %(only)s)
    GROUP BY l.value
), observed AS (
    SELECT u.name, MIN(u.severity) AS severity, SUM(u.desired) AS desired, SUM(u.ready) AS ready
    FROM {cells} u JOIN sgportal_grid g ON g.id = u.grid_id
    WHERE g.key = %(key)s AND u.name <> '' AND (%(only)s = '' OR u.name = %(only)s)
    GROUP BY u.name
), counted AS (
    SELECT name, SUM(nodes) AS nodes, SUM(ready_nodes) AS ready_nodes, SUM(unknown_nodes) AS unknown_nodes,
        MIN(severity) AS severity, SUM(desired) AS desired, SUM(ready) AS ready
    FROM (
        SELECT name, nodes, ready_nodes, unknown_nodes, NULL AS severity, 0 AS desired, 0 AS ready FROM members
        UNION ALL SELECT name, 0, 0, 0, severity, desired, ready FROM observed
    ) AS both_sides GROUP BY name
), judged AS (
    SELECT counted.*, CASE WHEN nodes = 0 THEN %(Gone)s WHEN ready_nodes = nodes THEN %(Ready)s
        WHEN ready_nodes > 0 THEN %(Degraded)s WHEN unknown_nodes = nodes THEN %(Offline)s
        ELSE %(NotReady)s END AS node_severity
    FROM counted
), units AS MATERIALIZED (
    SELECT name, nodes, ready_nodes, node_severity, desired, ready,
        CASE WHEN severity < node_severity THEN severity ELSE node_severity END AS worst
    FROM judged
), shown AS MATERIALIZED (
    SELECT units.*, CASE WHEN %(by_name)s THEN 0 ELSE worst END AS place FROM units
    WHERE worst BETWEEN %(gravest)s AND %(mildest)s AND (
        LOWER(name) LIKE %(pattern)s ESCAPE '!' OR (%(searched)s AND name IN (
            SELECT l.value FROM {labels} l JOIN sgportal_node n ON n.id = l.node_id
            WHERE l.key = %(key)s AND LOWER(n.name) LIKE %(pattern)s ESCAPE '!')))
        AND (%(reason)s = '' OR name IN (
            SELECT u.name FROM {cells} u JOIN sgportal_grid g ON g.id = u.grid_id
            WHERE g.key = %(key)s AND u.severity < %(healthy)s AND u.reason = %(reason)s))
), page AS (
    SELECT * FROM shown WHERE (place, name) > (%(after_place)s, %(after_name)s)
    ORDER BY place, name LIMIT %(limit)s OFFSET %(start)s
)
SELECT 0 AS part, 0 AS place, '' AS name, COUNT(*), SUM(nodes), SUM(ready_nodes), SUM(desired), SUM(ready),
    COUNT(*) FILTER (WHERE worst < %(healthy)s), (SELECT COUNT(*) FROM shown)
FROM units
UNION ALL SELECT 1, place, name, 0, nodes, ready_nodes, desired, ready, worst, node_severity FROM page
ORDER BY part, place, name
"""
_NODE_STATES = {state: severity(state) for state in ("Gone", "Ready", "Degraded", "Offline", "NotReady")}


def unit_page(
    key: str,
    wanted: UnitFilter = NO_FILTER,
    order: Order = "name",
    *,
    after: Sequence[Any] | None = None,
    start: int = 0,
    limit: int = ALL,
) -> UnitPage:
    """The units of a NodeGroup that meet a filter, in order of name or the worst first; `limit` of them from `start`,
    or those behind the `place` and name of `after`. One statement."""
    asked = {
        **_NODE_STATES,
        "key": key,
        "only": wanted.only,
        "pattern": _containing(wanted.search),
        "searched": bool(wanted.search),
        "reason": wanted.reason,
        "gravest": len(UNHEALTHY) if wanted.unhealthy is False else 0,
        "mildest": len(UNHEALTHY) - 1 if wanted.unhealthy else len(STATES),
        "healthy": len(UNHEALTHY),
        "by_name": order == "name",
        "after_place": after[0] if after else -1,
        "after_name": after[1] if after else "",
        "start": start,
        "limit": limit + 1,
    }
    labels, of_labels = table(NodeLabel.objects.values("node_id", "key", "value"), "label")
    columns = ("grid_id", "name", "severity", "desired", "ready", "reason")
    cells, of_cells = table(GridUnit.objects.values(*columns), "cell")
    with connection.cursor() as cursor:
        cursor.execute(_SQL.format(labels=labels, cells=cells), {**asked, **of_labels, **of_cells})
        totals, *rows = cursor.fetchall()
    return UnitPage(tuple(_unit(key, row) for row in rows[:limit]), len(rows) > limit, totals[-1], _totals(totals))


def place(unit: UnitRow) -> tuple[int, str]:
    """Where a unit stands among those in the order `worst`."""
    return severity(unit.state), unit.name


def _containing(text: str) -> str:
    """The pattern of what holds a text, whatever the case of its letters."""
    for each in "!%_":
        text = text.replace(each, f"!{each}")
    return f"%{text.lower()}%"


def _unit(key: str, row: Sequence[Any]) -> UnitRow:
    _, _, name, _, nodes, ready_nodes, desired, ready, worst, node_severity = row
    states = STATES[int(node_severity)], STATES[int(worst)]
    return UnitRow(key, name, int(nodes), int(ready_nodes), *states, int(desired), int(ready))


def _totals(row: Sequence[Any]) -> dict[str, int]:
    _, _, _, units, nodes, ready_nodes, desired, ready, unhealthy, _ = row
    return {
        "units": units,
        "nodes": int(nodes or 0),
        "readyNodes": int(ready_nodes or 0),
        "podsDesired": int(desired or 0),
        "podsReady": int(ready or 0),
        "unhealthy": unhealthy,
    }
