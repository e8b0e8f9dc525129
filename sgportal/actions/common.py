"""What every action needs: who acts, what may go wrong, and the audit trail."""

from dataclasses import dataclass
from typing import Any

from ..core.plan import Plan
from ..core.text import Sentence
from ..models import AuditEvent
from ..models.reading import plan_json
from ..reconciler import labels


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts (`name`, a user name) and by which door (rest, page, shell)."""

    name: str
    door: str


class AlreadyExists(Exception):
    """There is an object of this name already; `path` names it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Stale(Exception):
    """The object changed since the caller read it; `grid` or group is what it is now."""

    def __init__(self, current: Any) -> None:
        super().__init__(str(current))
        self.current = current


class NotFound(Exception):
    """There is no object at this address."""


class Refused(Exception):
    """The write makes no sense now; `sentence` says why."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


Unavailable = labels.Unavailable


def note(actor: Actor, verb: str, path: str, before: Any, after: Any, planned: Plan | None = None) -> None:
    """Leave an audit event: who did what by which door, the state before and after, and the plan that was shown."""
    shown = plan_json(planned) if planned else None
    AuditEvent.objects.create(
        actor=actor.name, door=actor.door, verb=verb, path=path, before=before, after=after, plan=shown
    )
