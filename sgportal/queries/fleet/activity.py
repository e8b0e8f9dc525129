"""What happened, as one timeline: people's changes (the audit trail), rollouts and incidents (events of grids)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from django.db.models import Exists, OuterRef, Q, QuerySet

from ...core.fleet.activity import told
from ...core.grids.kinds import BY_PLURAL
from ...core.text import Sentence
from ...models.history import AuditedUnit, AuditEvent, CellHistory, GridEvent
from ...models.intent import Grid
from ...models.scopes.clusters import every
from .merged import Place, behind, latest

Kind = Literal["change", "rollout", "incident"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ROLLOUT = "Rollout"  # how the reasons of events of rollouts begin
RECOVERED = "Ready"  # the reason of the event that ends an incident


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What of the timeline: of a `kind`, from `since` up to `until`, by `actor` (a user name), about a `grid` (its
    path), about a NodeUnit (`group` and `unit`)."""

    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    actor: str = ""
    grid: str = ""
    group: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. `actor` and `door` are set for what a person did; `entry` is the number of its entry in
    the audit trail, `count` how often it happened until `at`."""

    at: datetime
    kind: Kind
    sentence: Sentence
    path: str
    place: tuple[str, int, int]
    unit: str = ""
    actor: str = ""
    door: str = ""
    reason: str = ""
    warning: bool = False
    count: int = 1
    entry: int = 0

    @property
    def grid(self) -> str:
        """The path of the grid it is about, "" where it is about none."""
        place = self.path.partition("#")[0]
        return place if place.partition("/")[0] in BY_PLURAL else ""


class Timeline:
    """What meets a filter. The grids of a NodeUnit are looked up once, by two queries."""

    def __init__(self, wanted: ActivityFilter) -> None:
        here, ran = _grids_of_unit(wanted) if wanted.unit else ((), ())
        self._changes = _changes(wanted, {*here, *ran})
        self._events = _events(wanted, here)

    def count(self) -> int:
        """How many there are. Two queries."""
        return self._changes.count() + self._events.count()

    def entries(self, limit: int, before: Place | None = None) -> list[Entry]:
        """The last that happened, the latest first; those behind the place `before` in that order. Two queries, each of
        `limit` rows at most."""
        found = [*_of_changes(self._changes, limit, before), *_of_events(self._events, limit, before)]
        return latest(found, limit)


def people() -> list[str]:
    """Who changed something, in order of name."""
    rows = AuditEvent.objects.filter(kind=AuditEvent.Kind.CHANGE).order_by("actor")
    return list(rows.values_list("actor", flat=True).distinct())


def _of_changes(rows: "QuerySet[AuditEvent]", limit: int, before: Place | None) -> Iterator[Entry]:
    for row in behind(rows, "at", 1, before)[:limit]:
        place = row.at.isoformat(), 1, row.pk
        sentence = told(row.verb, row.path, row.before, row.after)
        unit = row.path.partition("#")[2]
        yield Entry(row.at, "change", sentence, row.path, place, unit, row.actor, row.door, row.verb, entry=row.pk)


def _of_events(rows: "QuerySet[GridEvent]", limit: int, before: Place | None) -> Iterator[Entry]:
    for row in behind(rows, "last_at", 0, before)[:limit]:
        kind: Kind = "rollout" if row.reason.startswith(ROLLOUT) else "incident"
        place, warning = (row.last_at.isoformat(), 0, row.pk), row.type == "Warning"
        yield Entry(row.last_at, kind, row.sentence, row.path, place, row.unit, "", "", row.reason, warning, row.count)


def tables(group: str, unit: str) -> "list[QuerySet[Any]]":
    """The rows that the timeline, or that of a NodeUnit, is made of, each newest first."""
    told = [AuditEvent.objects.order_by("-pk"), GridEvent.objects.order_by("-last_at", "-pk")]
    if not unit:
        return told
    ran = CellHistory.objects.filter(key=group, unit=unit).order_by("-since", "-pk")
    return [*told, Grid.objects.filter(key=group).order_by("-pk"), ran]


def _within(wanted: ActivityFilter, name: str) -> Q:
    found = Q()
    if wanted.since:
        found &= Q(**{f"{name}__gte": wanted.since})
    if wanted.until:
        found &= Q(**{f"{name}__lte": wanted.until})
    return found


def _changes(wanted: ActivityFilter, paths: Collection[str]) -> "QuerySet[AuditEvent]":
    rows = AuditEvent.objects.filter(_within(wanted, "at"), kind=AuditEvent.Kind.CHANGE).defer("plan")
    if wanted.kind not in ("", "change"):
        return rows.none()
    if wanted.actor:
        rows = rows.filter(actor=wanted.actor)
    if wanted.grid:
        rows = rows.filter(Q(path=wanted.grid) | Q(path__startswith=f"{wanted.grid}#"))
    return rows.filter(_of_unit(wanted, paths)) if wanted.unit else rows


def _of_unit(wanted: ActivityFilter, paths: Collection[str]) -> Q:
    """The changes that concern a NodeUnit: of it alone or among others in any grid, of whole grids that run or ran
    there, and of nodes that came to it or left it."""
    alone = [f"{path}#{wanted.unit}" for path in paths]
    named = every(AuditedUnit).filter(entry=OuterRef("pk"))
    of_all = Q(path__in=paths) & ~Exists(named)
    return of_all | Q(path__in=alone) | Q(Exists(named.filter(key=wanted.group, unit=wanted.unit)))


def _grids_of_unit(wanted: ActivityFilter) -> tuple[Collection[str], Collection[str]]:
    """The paths of the grids of a NodeGroup, and of those that ran in the NodeUnit."""
    here = [grid.path for grid in Grid.objects.filter(key=wanted.group).only("kind", "namespace", "name")]
    ran = CellHistory.objects.filter(key=wanted.group, unit=wanted.unit).order_by()
    return here, [_path(*each) for each in ran.values_list("kind", "namespace", "name").distinct()]


def _path(kind: str, namespace: str, name: str) -> str:
    return CellHistory(kind=kind, namespace=namespace, name=name).path


def _events(wanted: ActivityFilter, paths: Collection[str]) -> "QuerySet[GridEvent]":
    told_of = Q(type="Warning") | Q(reason=RECOVERED)
    of_rollouts = Q(reason__startswith=ROLLOUT)
    chosen = {"rollout": of_rollouts, "incident": told_of & ~of_rollouts, "": told_of | of_rollouts}
    rows = GridEvent.objects.filter(_within(wanted, "last_at"))
    if wanted.kind == "change" or wanted.actor:
        return rows.none()
    rows = rows.filter(chosen[wanted.kind])
    if wanted.grid:
        rows = rows.filter(path=wanted.grid)
    if wanted.unit:
        rows = rows.filter(unit=wanted.unit, path__in=paths)
    return rows
