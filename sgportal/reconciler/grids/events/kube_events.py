"""What happened to a grid, as Events of Kubernetes (v1) on its custom resource, so that `kubectl describe` says it.

However many children a reconcile touches, it gives one Event per reason. The same Event again is counted,
not written anew. Events are for reading: one that cannot be written is logged and stops nothing.
"""

import hashlib
import logging
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone

from ....cluster import Cluster, ClusterError, Conflict
from ....core.grids.group import GROUP_VERSION, KIND
from ....core.grids.kinds import API_VERSION
from ....core.names import FIELD_MANAGER
from ....core.timestamps import rfc3339
from ....models import Grid, GridEvent, ServiceGroup
from ....models.bulk import update_in_order
from ...process.connection import map_parallel
from .grid_events import NewEvent, event_of_row

log = logging.getLogger(__name__)
NAMED = 3  # of many, so many are named
MAX_MESSAGE = 1024  # characters; the API server takes no more
MAX_NAME = 200  # characters of the grid's name in the Event's


@dataclass(frozen=True, slots=True)
class Note:
    """An Event to write: its `type` (Normal or Warning), `reason` and `message`."""

    type: str
    reason: str
    message: str


def digest(events: Iterable[NewEvent]) -> list[Note]:
    """One Note for all events of one type, reason and kind of child, in order of the first of each."""
    together: dict[tuple[str, str, str], list[NewEvent]] = {}
    for each in events:
        together.setdefault((each.type, each.reason, each.kind), []).append(each)
    return [Note(type, reason, _message(group)[:MAX_MESSAGE]) for (type, reason, _), group in together.items()]


def _message(group: Sequence[NewEvent]) -> str:
    first = group[0]
    if len(group) == 1:
        about = f"NodeUnit {first.unit}: " if first.unit and not first.kind else ""
        return f"{about}{first.sentence}"
    if first.kind:
        listed = _listed([each.name for each in group])
        return f"{first.reason.lower()} {len(group)} {first.kind}s: {listed} ({_shared_reason(group)})"
    return f"{len(group)} NodeUnits: {_listed([each.unit for each in group])} ({first.unit}: {first.sentence})"


def _shared_reason(group: Sequence[NewEvent]) -> str:
    """The reason of all, or of the first with its name where they differ."""
    reasons = {str(each.why) for each in group}
    return str(group[0].why) if len(reasons) == 1 else f"{group[0].name}: {group[0].why}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    if rest <= 0:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{', '.join(names[:NAMED])} and {rest} more"


def emit(grid: Grid | ServiceGroup, events: Iterable[NewEvent], cluster: Cluster) -> None:
    """Write Events on the custom resource of a grid, or of a package, where it has one: one write per Note that is new,
    a look-up and another for one that is repeated. (A list by its uid would make the API server read every Event of the
    namespace.)"""
    notes = digest(events)
    if not notes or not grid.cluster_uid or cluster.read_only:
        return
    try:
        for note in notes:
            _emit(grid, note, cluster)
    except ClusterError as error:
        log.warning("%s: its Events could not be written to the cluster: %s", grid.path, error)


def _emit(grid: Grid | ServiceGroup, note: Note, cluster: Cluster) -> None:
    name = _name(grid, note)
    try:
        cluster.create(_body(grid, note, name, {}))
    except Conflict:
        before = cluster.get("Event", grid.namespace, name) or {}
        cluster.apply(_body(grid, note, name, before), force=True)


def send(grids: Sequence[Grid], cluster: Cluster) -> None:
    """Write what was noted of these grids and not written to the cluster yet: together, once."""
    by_path = {grid.path: grid for grid in grids}
    rows = list(GridEvent.objects.filter(path__in=by_path, unsent__gt=0).order_by("path", "pk"))
    if not rows:
        return
    events: dict[str, list[NewEvent]] = {}
    for row in rows:
        events.setdefault(row.path, []).append(event_of_row(row))
    map_parallel(lambda each: emit(by_path[each[0]], each[1], cluster), events.items())
    sent: dict[int, list[int]] = {}
    for row in rows:
        sent.setdefault(row.unsent, []).append(row.pk)
    for times, keys in sent.items():  # nearly always once; another may have sent the same meanwhile
        update_in_order(GridEvent.objects.filter(pk__in=keys, unsent__gte=times), unsent=F("unsent") - times)


def _name(grid: Grid | ServiceGroup, note: Note) -> str:
    """The same for the same news of the same grid, so that a repeat finds what it repeats."""
    told = "\0".join((grid.cluster_uid, note.type, note.reason, note.message))
    return f"{grid.name[:MAX_NAME]}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _body(grid: Grid | ServiceGroup, note: Note, name: str, before: Mapping[str, Any]) -> dict[str, Any]:
    now = rfc3339(timezone.now())
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": grid.namespace},
        "involvedObject": {
            "apiVersion": GROUP_VERSION if grid.kind == KIND else API_VERSION,
            "kind": grid.kind,
            "namespace": grid.namespace,
            "name": grid.name,
            "uid": grid.cluster_uid,
        },
        "type": note.type,
        "reason": note.reason,
        "message": note.message,
        "count": before.get("count", 0) + 1,
        "firstTimestamp": before.get("firstTimestamp") or now,
        "lastTimestamp": now,
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "reportingInstance": socket.gethostname()[:128],
    }
