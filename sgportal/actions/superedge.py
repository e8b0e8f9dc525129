"""Who manages the grids, we or SuperEdge's controller: taking over, handing back, and putting our definitions in place
of SuperEdge's."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from ..cluster import ClusterError
from ..core.plans.plan import Step
from ..core.plans.preview.binding import plan_id
from ..core.superedge.controller import HANDING_BACK, MANAGING, Verdict, restarting
from ..core.text import Sentence, say
from ..models import ManagementMode
from ..queries.takeover import handback_steps, takeover_steps
from ..reconciler import takeover
from ..reconciler.discovery import superedge
from ..reconciler.process import connection
from .common import Actor, Refused, Unavailable, check_agreed, note

PATH = "cluster"


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What taking over would do: the path of a grid with each step, and why it is refused unless forced (None: it is
    not)."""

    steps: Sequence[tuple[str, Step]]
    refusal: Sentence | None


def take_over(actor: Actor, *, force: bool = False, dry_run: bool = False) -> TakeOver:
    """Write to the cluster from now on. Its children are accepted as SuperEdge left them; where some would be restarted
    or deleted, or its controller still runs, only with `force`. Asks the cluster. Raises Refused, Unavailable,
    PlanChanged."""
    verdict = _look()
    found = takeover_steps()
    refusal = _running(verdict) if verdict.running else _harmful([step for _, step in found])
    if dry_run:
        return TakeOver(found, refusal)
    with transaction.atomic():
        row = ManagementMode.now()
        if row.may_write:
            raise Refused(say("the portal already manages the grids"))
        _check_settled(row)
        if refusal and not force:
            raise Refused(refusal)
        check_agreed(lambda: plan_id(step for _, step in takeover_steps()))
        superedge.decide(MANAGING, actor.name, forced=verdict.running)
        ManagementMode.change(task={})  # what a hand-back told to do is out of date
        note(actor, "take-over", PATH, {"mode": row.mode}, {"mode": MANAGING, "forced": force})
    return TakeOver(found, refusal)


def hand_back(actor: Actor, *, dry_run: bool = False) -> Sequence[tuple[str, Step]]:
    """Leave the children as SuperEdge would make them, then write to the cluster no more: a task of a worker. The path
    of a grid with each step that this comes to. Raises Refused, PlanChanged."""
    with transaction.atomic():
        row = ManagementMode.now()
        if row.read_only:
            raise Refused(say("the portal is already read-only"))
        _check_settled(row)
        found = handback_steps()
        if not dry_run:
            check_agreed(lambda: plan_id(step for _, step in found))
            superedge.decide(HANDING_BACK, actor.name)
            takeover.ask(takeover.HAND_BACK, actor.name)
            note(actor, "hand-back", PATH, {"mode": row.mode}, {"mode": HANDING_BACK})
    return found


def upgrade_definitions(actor: Actor) -> None:
    """Put our definitions of the grids in the place of those there are: a task of a worker. Raises Refused,
    Unavailable."""
    verdict = _look()
    if verdict.running:
        raise Refused(_running(verdict))
    with transaction.atomic():
        row = ManagementMode.now()
        if not row.may_write:
            raise Refused(say("the portal does not manage the grids; take over first"))
        takeover.ask(takeover.DEFINITIONS, actor.name)
        note(actor, "definitions", PATH, row.definitions, None)


def _look() -> Verdict:
    """Whether SuperEdge's controller runs this very moment."""
    try:
        return superedge.note(superedge.look(connection.reading()))
    except ClusterError as error:
        raise Unavailable(error) from error


def _check_settled(row: ManagementMode) -> None:
    if row.handing_back:
        raise Refused(say("the grids are being handed back; wait until that is done"))


def _running(verdict: Verdict) -> Sentence:
    why = verdict.evidence[0]
    if verdict.cure:
        command = "; ".join(verdict.cure)
        return say("SuperEdge's controller runs: %(why)s. Stop it first: %(command)s", why=why, command=command)
    return say("SuperEdge's controller runs: %(why)s. Stop it first, wherever it runs", why=why)


def _harmful(steps: Sequence[Step]) -> Sentence | None:
    found = restarting(steps)
    if not found:
        return None
    return say(
        "it would restart or delete %(count)s children, first %(kind)s “%(name)s”: %(reason)s. Preview it, then"
        " force it if intended",
        count=len(found),
        kind=found[0].kind,
        name=found[0].name,
        reason=found[0].reason,
    )
