"""What every action needs: who acts, whether we may write at all, what may go wrong, and the audit trail."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import transaction

from ..access import approvals
from ..core.access.four_eyes import Action
from ..core.plans.plan import Plan
from ..core.plans.preview.binding import digest, id_of, plan_id
from ..core.text import Sentence, say
from ..models import AuditEvent, Grid, ManagedCluster, ManagementMode, Revision
from ..models.people import Service
from ..models.scopes.current import everything
from ..queries.plans import plan_json
from ..reconciler import label_jobs


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts (`name`, a user name), by which door (rest, page, admin, shell) and from which address."""

    name: str
    door: str
    address: str = ""


class AlreadyExists(Exception):
    """There is an object of this name already; the `sentence` names its path."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.sentence = say("“%(path)s” already exists", path=path)


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


class PlanChanged(Refused):
    """What a write comes to is no longer what was agreed to."""

    def __init__(self) -> None:
        super().__init__(say("the plan has changed since it was shown; review it again"))


class NeedsApproval(Refused):
    """Another person has to approve this first; who asks has asked for that now. `asked` is what for."""

    def __init__(self, asked: approvals.Asked) -> None:
        super().__init__(say("another person has to approve this first"))
        self.asked = asked

    def ask(self, actor: Actor) -> None:
        """Store that it was asked for, outside of the transaction that this ended."""
        with transaction.atomic():
            row, is_new = approvals.ask(self.asked)
            if is_new:
                after = {"action": row.action, "plan": row.plan}
                _note(actor, AuditEvent.Kind.CHANGE, "approval-asked", row.path, None, after, row.shown)
        self.sentence = say(
            "another person has to approve this first, on the page “Approvals”; ask again then (request %(number)s)",
            number=row.pk,
        )


class Forbidden(Refused):
    """Nobody may do this through the portal, whatever their role."""


class ReadOnly(Refused):
    """We do not manage the grids now: no write of intent is taken, for none could be carried out."""


Unavailable = label_jobs.Unavailable
P = ParamSpec("P")
T = TypeVar("T")


def intent(action: Callable[P, T]) -> Callable[P, T]:
    """An action that ends in a write to the cluster: it raises ReadOnly while that is not ours to write, or everything
    stops. A dry run (`dry_run=True`) is never refused. It reads
    the whole cluster, whatever the scope of who asks: it sees to it itself that it changes only what is in that."""
    asked = asking(action)

    @wraps(action)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kwargs.get("dry_run"):
            _check_halt()
            _check_management_mode()
        with everything():
            return asked(*args, **kwargs)

    guarded.intent = True  # type: ignore[attr-defined]
    return guarded


def asking(action: Callable[P, T]) -> Callable[P, T]:
    """An action that may take two people: what it raises NeedsApproval for is asked for then."""

    @wraps(action)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return action(*args, **kwargs)
        except NeedsApproval as needed:
            needed.ask(next(each for each in (*args, *kwargs.values()) if isinstance(each, Actor)))
            raise

    return asked


def second_person(actor: Actor, action: Action, path: str, plan: str, shown: Any) -> None:
    """See to it that another person approved an action that takes two here. It belongs into the write's own
    transaction, where the rows that decide are locked. Raises NeedsApproval, and Forbidden to a service token."""
    if not approvals.is_guarded(action):
        return
    if actor.name.startswith(Service.PREFIX):
        raise Forbidden(say("this takes two people, and a service token is none; use a token of your own"))
    asked = approvals.Asked(actor.name, action, path, plan, shown)
    if not (by := approvals.spend(asked)):
        raise NeedsApproval(asked)
    _note(actor, AuditEvent.Kind.CHANGE, "approval-used", path, None, {"action": action, "by": by, "plan": plan}, None)


def plans_shown(plans: Mapping[str, Plan], revision: int | None = None) -> tuple[str, dict[str, Any]]:
    """The id of the plans for several grids, by their paths, and how people read them; with the number of the revision
    that they go back to, which may come to the same steps as another."""
    ids = {path: plan_id(each.steps) for path, each in plans.items()}
    shown: dict[str, Any] = {path: plan_json(each) for path, each in plans.items()}
    return (id_of(ids), shown) if revision is None else (digest(revision, ids), {"revision": revision, **shown})


def second_deleter(actor: Actor, path: str, plan: Plan, propagation: str) -> None:
    """As `second_person`, for the deletion of a grid: no step says that the children stay (`Orphan`)."""
    shown = {"propagation": propagation, **plan_json(plan)}
    second_person(actor, "delete", path, digest(propagation, plan_id(plan.steps)), shown)


def second_restorer(actor: Actor, grid: Grid, manifest: Mapping[str, Any], plan: Plan) -> None:
    """As `second_person`, where a change makes a grid say again what a revision of it said, whichever door it comes by.
    Not within `by_its_name`, where the action is known by another name."""
    if not approvals.is_guarded("rollback") or _by_its_name.get() or grid.spec == manifest["spec"]:
        return
    stored = Revision.objects.filter(path=grid.path).order_by("-created_at").values_list("number", "spec")
    if (number := next((number for number, spec in stored if spec == manifest["spec"]), None)) is not None:
        second_person(actor, "rollback", grid.path, *plans_shown({grid.path: plan}, number))


_by_its_name: ContextVar[bool] = ContextVar("by_its_name", default=False)


@contextmanager
def by_its_name() -> Iterator[None]:
    """Within this, what is stored is part of an action that people know by a name (to scale, to restore): what comes of
    it is no edit."""
    token = _by_its_name.set(True)
    try:
        yield
    finally:
        _by_its_name.reset(token)


@contextmanager
def together_with(action: Action) -> Iterator[None]:
    """A transaction around an action that takes two people, of which a part stores something."""
    with by_its_name(), transaction.atomic() if approvals.is_guarded(action) else nullcontext():
        yield


def _check_halt() -> None:
    row = ManagedCluster.now()
    if row.halt:
        raise ReadOnly(
            say(
                "writes to the cluster are stopped until somebody decides on the page “Decisions”: %(why)s",
                why=row.sentence,
            )
        )


def _check_management_mode() -> None:
    row = ManagementMode.now()
    if row.may_write:
        return
    if row.handing_back:
        raise ReadOnly(say("the grids are being handed back to SuperEdge; nothing can be changed here"))
    if row.running and row.cure:
        command = "; ".join(row.cure)
        raise ReadOnly(
            say(
                "SuperEdge's controller manages the grids and the portal is read-only. To change that, stop it "
                "(%(command)s), then take over on the page “Cluster”",
                command=command,
            )
        )
    raise ReadOnly(
        say("the portal is read-only for this cluster; an administrator can take over on the page “Cluster”")
    )


WHOLE = ""  # in the place of a path: the plan of a write that is not one grid's
_agreed: ContextVar[Mapping[str, str] | None] = ContextVar("agreed", default=None)


@contextmanager
def as_planned(agreed: Mapping[str, str]) -> Iterator[None]:
    """Within this, a write is refused unless its plan is the one that was agreed to: the id of each object's plan by
    its path. It is compared in the write's own transaction, so that nothing of it is stored."""
    token = _agreed.set(agreed)
    try:
        yield
    finally:
        _agreed.reset(token)


def _check_agreed(path: str, planned: Plan) -> None:
    agreed = _agreed.get()
    if agreed is not None and agreed.get(path.partition("#")[0]) != plan_id(planned.steps):
        raise PlanChanged


def as_stored(grid: Grid, *, lock: bool) -> Grid:
    """A grid as it is now, locked until the transaction ends; without `lock` as it was read. Raises NotFound."""
    row = Grid.objects.filter(pk=grid.pk).locked().first() if lock else grid
    if row is None:
        raise NotFound(grid.path)
    return row


def is_agreed() -> bool:
    """Whether somebody agreed to a plan."""
    return _agreed.get() is not None


def check_agreed(planned: Callable[[], str]) -> None:
    """Raises PlanChanged where something was agreed to, and what a write comes to has another id. It belongs into the
    write's own transaction, where the rows that decide are locked."""
    agreed = _agreed.get()
    if agreed is not None and agreed.get(WHOLE) != planned():
        raise PlanChanged


def note(
    actor: Actor,
    verb: str,
    path: str,
    before: Any,
    after: Any,
    planned: Plan | None = None,
    units: Iterable[tuple[str, str]] = (),
) -> None:
    """Leave an audit event: who did what by which door, the state before and after, the plan that was shown, and which
    NodeUnits (key and name) it is about alone. Raises PlanChanged where another plan was agreed to."""
    if planned is not None:
        _check_agreed(path, planned)
    shown = plan_json(planned) if planned else None
    _note(actor, AuditEvent.Kind.CHANGE, verb, path, before, after, shown).is_about(units)


def note_access(actor: Actor, verb: str, path: str, before: Any = None, after: Any = None) -> None:
    """Leave an audit event about people: log-ins, passwords, tokens, roles. Never a secret."""
    _note(actor, AuditEvent.Kind.ACCESS, verb, path, before, after, None)


def _note(actor: Actor, kind: str, verb: str, path: str, before: Any, after: Any, plan: Any) -> AuditEvent:
    return AuditEvent.objects.create(
        kind=kind,
        actor=actor.name,
        door=actor.door,
        address=actor.address,
        verb=verb,
        path=path,
        before=before,
        after=after,
        plan=plan,
    )
