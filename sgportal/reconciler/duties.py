"""What some worker does again and again, whichever comes to it: each is a work key that asks for another look."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import F, QuerySet

from ..access import brake
from ..models import Approval, AuditEvent, GridEvent, Journal, LabelJob, WorkKey, clock
from ..models.history import kept_for
from ..queries.per_unit.spare import spare_revisions, spare_rollouts
from ..queries.standing import Standing
from . import naming, sweep
from .discovery import readers
from .notices import turn
from .process import connection, heartbeat
from .queue import remembered, unit_history, workqueue
from .usage import measuring

KIND = "duties"  # of the work keys
BATCH = 1000  # rows removed in one statement, so that nobody waits long for it
MOST_BATCHES = 5  # of each kind, in one turn
SOON = 1.0  # seconds until the next turn where more is left
CHANGES_KEPT = timedelta(hours=1)  # a page that was away longer is told to reload
RETENTION_SECONDS = 600.0


class Kept(NamedTuple):
    """How long rows are kept, by the field that says when they were last true; None for ever."""

    model: Any
    field: str
    age: timedelta | None


def run(name: str) -> float:
    """Do a duty; seconds until it is to be done again."""
    return _DUTIES[name]()


def ensure() -> None:
    """Have every duty done, whatever became of its row. Raises DatabaseError."""
    workqueue.ensure(f"{KIND}/{name}" for name in _DUTIES)


def resync() -> float:
    """Have a fresh look at every grid, whether or not anything seems to have happened."""
    sweep.begin()
    return float(settings.SGPORTAL_RESYNC_SECONDS)


def kept() -> tuple[Kept, ...]:
    """What is kept for how long."""
    events, audit = kept_for(settings.SGPORTAL_EVENTS_DAYS), kept_for(settings.SGPORTAL_AUDIT_DAYS)
    history = kept_for(settings.SGPORTAL_HISTORY_DAYS)
    return (
        Kept(Journal, "at", CHANGES_KEPT),
        *(Kept(each, "until", history) for each in unit_history.MODELS),
        Kept(GridEvent, "last_at", events),
        Kept(LabelJob, "finished_at", events),
        Kept(AuditEvent, "at", audit),
        Kept(Approval, "asked_at", audit),
    )


def forget() -> float:
    """Remove what has been kept long enough, of each kind a batch in turn, so that none waits for another."""
    due: list[Callable[[], bool]]
    due = [partial(_remove_some, each.model, each.field, each.age) for each in kept() if each.age]
    due += [partial(remembered.remove_some, BATCH), partial(_remove_next, _spare(spare_revisions))]
    due.append(partial(_remove_next, _spare(spare_rollouts)))
    for _ in range(MOST_BATCHES):
        due = [remove for remove in due if remove()]
        if not due:
            return RETENTION_SECONDS
    return SOON


def clear() -> float:
    """Remove what is over: work that is done, sessions, counts of log-ins, processes that ended."""
    WorkKey.objects.free().filter(key__startswith="labeljobs/", requested__lte=F("done")).delete()
    SessionStore.clear_expired()
    brake.forget_expired()
    heartbeat.forget()
    return RETENTION_SECONDS


def remember() -> float:
    """Note what NodeUnits are, where nobody did."""
    unit_history.note_all()
    return RETENTION_SECONDS


def _spare(found: "Callable[[int, timedelta], Iterator[QuerySet[Any]]]") -> "Iterator[QuerySet[Any]]":
    """What is neither among the latest, nor of the time of which the past is told, nor needed: batches, which are
    looked for as they are asked for."""
    age, keep = kept_for(settings.SGPORTAL_HISTORY_DAYS), settings.SGPORTAL_REVISIONS_KEPT
    return found(keep, age) if age and keep else iter(())


def _remove_next(batches: "Iterator[QuerySet[Any]]") -> bool:
    """Remove the next of these batches in which anything is; whether more may be left."""
    return any(batch.delete()[0] for batch in batches)


def _remove_some(model: Any, field: str, age: timedelta) -> bool:
    """Remove a batch of what is too old; whether more may be left."""
    old = model.objects.filter(**{f"{field}__lt": clock.now(-age)}).order_by(field)
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    model.objects.filter(pk__in=keys).delete()
    return len(keys) == BATCH


def look_for_readers() -> float:
    """Look for what else reads the EndpointSlices of closed Services, unless everything stops. Raises ClusterError."""
    return readers.EVERY_SECONDS if Standing.now().halt else readers.look(connection.cluster)


def keep_names() -> float:
    """Keep the names that are each NodeUnit's own, unless everything stops. Raises ClusterError."""
    return naming.EVERY_SECONDS if Standing.now().halt else naming.keep(connection.cluster)


def measure() -> float:
    """Note what nodes and pods use, where the setting is on, unless everything stops: it may be another cluster that
    answers. Raises ClusterError."""
    return measuring.REST_SECONDS if Standing.now().halt else measuring.look(connection.reading)


_DUTIES: dict[str, Callable[[], float]] = {
    "resync": resync,
    "retention": forget,
    "clearing": clear,
    "history": remember,
    "readers": look_for_readers,
    "names": keep_names,
    "notifications": turn.look,
    "usage": measure,
}
