"""What a NodeUnit was at an instant, and what changed in it between two."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from ...core.health import severity, worst
from ...core.text import Invalid, Problem, pointer, say
from ...core.timestamps import rfc3339
from ...core.units import NodeView, Unit
from ...models.history import CellHistory, LabelHistory, NodeHistory, RememberedLabel, kept_for
from ...models.scopes.current import everything, reading
from ...models.scopes.rows import in_scope_when
from ..fleet.merged import Place, behind, latest

NOT_ON_RECORD = say(
    "Nothing is on record of this NodeUnit. Labels of nodes are remembered where a grid, a ServiceGroup, a grant or "
    "SGPORTAL_HISTORY_LABELS names their key."
)
What = Literal["NodeJoined", "NodeLeft", "NodeChanged", "GridChanged", "GridLeft"]


@dataclass(frozen=True, slots=True)
class NodeThen:
    """A node as it was: `ready` is Ready, NotReady or Unknown."""

    name: str
    ready: str
    unschedulable: bool
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class UnitThen:
    """A NodeUnit as it was `at` an instant; `known_from` is when the record begins."""

    group: str
    name: str
    at: datetime
    known_from: datetime
    nodes: tuple[NodeThen, ...]
    grids: tuple[CellHistory, ...]

    @property
    def state(self) -> str:
        """The worst of its nodes together and of what each grid had there; Gone without nodes."""
        views = tuple(NodeView(each.name, ready=each.ready) for each in self.nodes)  # type: ignore[arg-type]
        return worst([Unit(self.name, views).state if views else "Gone", *(each.state for each in self.grids)])

    @property
    def ready_nodes(self) -> int:
        """How many of its nodes were ready."""
        return sum(each.ready == "Ready" for each in self.nodes)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in a NodeUnit: a node joined, left, or became `state`; or a grid did (`cell`)."""

    at: datetime
    what: What
    place: tuple[str, int, int]
    node: str = ""
    state: str = ""
    unschedulable: bool = False
    cell: CellHistory | None = None


def known_from(key: str) -> datetime | None:
    """From when on the record of a NodeGroup is whole: since its key is remembered, or as long as it is kept; None for
    a key that is not, or of which nothing is in scope. One query; three in a limited scope."""
    with everything():
        since = RememberedLabel.objects.filter(key=key, kept=True).values_list("since", flat=True).first()
    if since and not (reading().is_all or _knows(key)):
        return None
    kept = kept_for(settings.SGPORTAL_HISTORY_DAYS)
    return max(since, timezone.now() - kept) if since and kept else since


def _knows(key: str) -> bool:
    return any(model.objects.filter(key=key).exists() for model in (LabelHistory, CellHistory))


def instant(text: str, name: str, known: datetime, default: datetime) -> datetime:
    """As `read_instant`, the default where it says none. Raises Invalid also for what is still to come, or is before
    `known`."""
    when = read_instant(text, name)
    if when is None:
        return default
    if when > timezone.now():
        raise Invalid(Problem(pointer(name), say("is in the future")))
    if when < known.replace(microsecond=0):
        raise Invalid(
            Problem(pointer(name), say("is too early: what was so is known from %(time)s on", time=rfc3339(known)))
        )
    return max(when, known)


def read_instant(text: str, name: str) -> datetime | None:
    """The instant that a parameter says: RFC 3339, in UTC where it has no offset; None where it says none. Raises
    Invalid."""
    if not text:
        return None
    try:
        found = parse_datetime(text)
        when = found and (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        when = None
    if when is None:
        raise Invalid(Problem(pointer(name), say("must be a time such as 2026-11-24T09:00:00Z")))
    return when


def is_on_record(key: str, unit: str) -> bool:
    """Whether anything is known of a NodeUnit, at whatever time. Two queries."""
    return (
        LabelHistory.objects.filter(key=key, value=unit).exists()
        or CellHistory.objects.filter(key=key, unit=unit).exists()
    )


def unit_then(key: str, unit: str, at: datetime, known: datetime) -> UnitThen:
    """The NodeUnit as it was. Three queries."""
    scope, then = reading(), Q(since__lte=at) & (Q(until=None) | Q(until__gt=at))
    members = LabelHistory.objects.filter(then, key=key, value=unit).values("node")
    labels: dict[str, dict[str, str]] = {}
    for node, name, value in LabelHistory.objects.filter(then, node__in=members).values_list("node", "key", "value"):
        labels.setdefault(node, {})[name] = value
    rows = NodeHistory.objects.filter(then, node__in=list(labels)).order_by("node")
    nodes = tuple(
        NodeThen(row.node, row.ready, row.unschedulable, dict(sorted(labels[row.node].items())))
        for row in rows
        if scope.takes_node(labels[row.node])
    )
    cells = sorted(
        CellHistory.objects.filter(then, key=key, unit=unit),
        key=lambda cell: (severity(cell.state), cell.namespace, cell.name, cell.kind),
    )
    return UnitThen(key, unit, at, known, nodes, tuple(cells))


def changes(
    key: str, unit: str, since: datetime, until: datetime, limit: int, before: Place | None = None
) -> list[Change]:
    """The last changes in a NodeUnit after `since` and up to `until`, the latest first; those that come after the place
    `before` in that order. What became of nodes while they were out of scope is not among them. Five queries, each of
    `limit` rows at most."""
    found = (
        change
        for number, (rows, name, what) in enumerate(_sources(key, unit))
        for change in _read(rows, name, what, number, (since, until), limit, before)
    )
    return latest(found, limit)


def _sources(key: str, unit: str) -> Iterator[tuple["QuerySet[Any]", str, What]]:
    """The rows that tell of changes, by which of their times, and what."""
    members = LabelHistory.objects.filter(key=key, value=unit)
    cells = CellHistory.objects.filter(key=key, unit=unit)
    yield members.filter(in_scope_when("since")), "since", "NodeJoined"
    yield members.exclude(until=None).filter(in_scope_when("until", ended=True)), "until", "NodeLeft"
    inside = members.filter(Q(until=None) | Q(until__gt=OuterRef("since")), node=OuterRef("node"))
    before = NodeHistory.objects.filter(node=OuterRef("node"), until=OuterRef("since"))
    nodes = NodeHistory.objects.filter(Exists(inside.filter(since__lte=OuterRef("since"))), Exists(before))
    yield nodes.filter(in_scope_when("since")), "since", "NodeChanged"
    yield cells, "since", "GridChanged"
    same = {name: OuterRef(name) for name in ("kind", "namespace", "name", "key", "unit")}
    after = CellHistory.objects.filter(**same, since=OuterRef("until"))
    yield cells.exclude(until=None).exclude(Exists(after)), "until", "GridLeft"


def _read(
    rows: "QuerySet[Any]",
    name: str,
    what: What,
    number: int,
    span: tuple[datetime, datetime],
    limit: int,
    before: Place | None,
) -> Iterator[Change]:
    rows = rows.filter(**{f"{name}__gt": span[0], f"{name}__lte": span[1]})
    for row in behind(rows, name, number, before)[:limit]:
        at = getattr(row, name)
        place = at.isoformat(), number, row.pk
        if isinstance(row, CellHistory):
            yield Change(at, what, place, state=row.state, cell=row)
        elif isinstance(row, NodeHistory):
            yield Change(at, what, place, row.node, row.ready, row.unschedulable)
        else:
            yield Change(at, what, place, row.node)
