"""What happened to a grid and why, for people; repeats are counted. Here it is kept in rows, which pages and REST show;
`kube_events` says the same in the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from ....core.text import Sentence, say
from ....models import GridEvent
from ....models.bulk import insert_rows, update_in_order
from ....models.statements import read_json, returned
from ..writes.apply import StepResult

ONE_STORY = timedelta(days=1)  # the same event within this time only raises its count


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to note: `unit` ("" for the whole grid), a CamelCase `reason`, the sentence, whether it is a warning.
    Of a write also the `kind` and `name` of the child and `why` it was made."""

    unit: str
    reason: str
    sentence: Sentence
    warning: bool = False
    kind: str = ""
    name: str = ""
    why: Sentence | None = None

    @property
    def type(self) -> str:
        """Kubernetes' type of the event."""
        return "Warning" if self.warning else "Normal"


_DONE = {
    "create": ("Created", say("%(kind)s “%(name)s” was created: %(reason)s")),
    "update": ("Updated", say("%(kind)s “%(name)s” was updated: %(reason)s")),
    "again": ("Retried", say("%(kind)s “%(name)s” was updated once more: %(reason)s")),
    "adopt": ("Adopted", say("%(kind)s “%(name)s” was adopted: %(reason)s")),
    "release": ("Released", say("%(kind)s “%(name)s” was released: %(reason)s")),
    "delete": ("Deleted", say("%(kind)s “%(name)s” was deleted: %(reason)s")),
}
_REASONS_OF_WRITES = {reason for reason, _ in _DONE.values()}


def event_of_write(result: StepResult) -> NewEvent:
    """That a write was made, and why."""
    step = result.step
    reason, template = _DONE["again" if step.again else step.verb]
    sentence = template.having(kind=step.kind, name=step.name, reason=step.reason)
    return NewEvent(step.unit, reason, sentence, kind=step.kind, name=step.name, why=step.reason)


def event_of_row(row: GridEvent) -> NewEvent:
    """The event that a row tells of."""
    sentence, warning = row.sentence, row.type == "Warning"
    if row.reason not in _REASONS_OF_WRITES:
        return NewEvent(row.unit, row.reason, sentence, warning)
    said = dict(sentence.params)
    return NewEvent(row.unit, row.reason, sentence, warning, said["kind"], said["name"], said["reason"])


_RECENT = """
    SELECT path, unit, reason, type, id, message FROM sgportal_gridevent
    WHERE cluster_id = %(cluster)s AND path = ANY(%(paths)s) AND last_at > %(since)s
    AND unit = ANY(%(units)s) AND reason = ANY(%(reasons)s) ORDER BY last_at, id
"""


def record(events: Mapping[str, Sequence[NewEvent]], unsent: bool = False) -> None:
    """Note events of several grids, by their paths, in a constant number of statements. `unsent`: they are still to be
    written to the cluster."""
    told = [(path, each) for path, several in events.items() for each in several]
    if not told:
        return
    now, more = timezone.now(), int(unsent)
    recent = returned(
        _RECENT,
        paths=[path for path, several in events.items() if several],
        since=now - ONE_STORY,
        units=list({each.unit for _, each in told}),
        reasons=list({each.reason for _, each in told}),
    )
    latest = {(path, unit, reason, type): (pk, message) for path, unit, reason, type, pk, message in recent}
    repeated, fresh = [], []
    for path, each in told:
        pk, before = latest.get((path, each.unit, each.reason, each.type), (None, None))
        message = each.sentence.to_json()
        if before is not None and read_json(before) == message:
            repeated.append(pk)
        else:
            row = GridEvent(path=path, unit=each.unit, reason=each.reason, type=each.type, message=message)
            row.unsent = more
            fresh.append(row)
    if repeated:
        again = GridEvent.objects.filter(pk__in=repeated)
        update_in_order(again, count=F("count") + 1, unsent=F("unsent") + more, last_at=now)
    insert_rows(fresh)
