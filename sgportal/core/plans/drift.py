"""What to do about a child that is there: which of its differences are to be mended, which are contested, which are
others' affair, and how each is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..grids.grid import GridSpec
from ..ownership.field_paths import NAMED, Pattern, listed, pattern_of
from ..ownership.share import Share, share
from ..text import Sentence, say
from .comparison import Compared
from .contest import CONTESTED, Attempt, Attempts
from .desired import Child, Finding
from .diff import Change, differences
from .others import is_addition, notes_about

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The `changes` to make and why, the fields that a write leaves as they are (`yielded`), and what to tell. `again`:
    all of the changes are contested and only tried once more."""

    changes: tuple[Change, ...]
    yielded: tuple[Pattern, ...]
    reason: Sentence
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    again: bool


def judged(
    spec: GridSpec, child: Child, live: Body, compared: Compared, attempts: Attempts, now: float, carried_out: bool
) -> Judgement:
    """What to do about a live child that compares so with what is wanted. `carried_out` says that the grid as it is was
    carried out before, so that a difference is somebody's doing since."""
    found = compared.found.changes
    contested = [each for each in found if (last := attempts.get(each.name)) and last.holds_off(each, now)]
    changes = tuple(each for each in found if each not in contested)
    return Judgement(
        changes,
        tuple(_yielded(contested, attempts)),
        _reason(changes, carried_out),
        tuple(contests(child.unit, contested, attempts)),
        tuple(_notes(spec, child, live, compared, contested)),
        bool(changes) and all((last := attempts.get(each.name)) and last.is_exhausted(each) for each in changes),
    )


def _notes(
    spec: GridSpec, child: Child, live: Body, compared: Compared, contested: Sequence[Change]
) -> Iterable[Finding]:
    if contested:
        shared = share(child.body, live, spec.ignored)
        return notes_about(child.unit, child.body, live, shared, compared.found, contested)
    return (replace(each, unit=child.unit) for each in compared.notes)


def _yielded(contested: Iterable[Change], attempts: Attempts) -> list[Pattern]:
    """The fields that a write of others leaves as they are. What admission changes may be sent again: it changes it in
    the same write."""
    return [pattern_of(each.field) for each in contested if not attempts[each.name].admission]


def _reason(changes: Sequence[Change], carried_out: bool) -> Sentence:
    released = [each for each in changes if each.released]
    by_others = [each for each in changes if each.by and not each.released]
    rest = [each for each in changes if not each.released and not (carried_out and each.by)]
    if not rest and not by_others:
        return say("%(fields)s is left to others from now on and keeps its value", fields=_listed(released))
    if not carried_out or not by_others:
        return say("it differs in %(fields)s", fields=_listed(rest))
    managers = ", ".join(dict.fromkeys(each.by for each in by_others))
    drift = say("drift: %(manager)s changed %(fields)s", manager=managers, fields=_listed(by_others))
    return say("%(drift)s; it differs in %(fields)s as well", drift=drift, fields=_listed(rest)) if rest else drift


def _listed(changes: Iterable[Change]) -> str:
    return listed(each.field for each in changes)


def contests(unit: str, contested: Sequence[Change], attempts: Attempts) -> Iterable[Finding]:
    """One finding for all contested fields of a unit, which names the first rival with its fields. That admission adds
    to a list is no quarrel: all that was asked for is there."""
    contested = [each for each in contested if not (attempts[each.name].admission and is_addition(each))]
    if contested:
        first = attempts[contested[0].name]
        its = [each for each in contested if _rival(attempts[each.name]) == _rival(first)]
        yield Finding(unit, CONTESTED, _contest(first, _listed(its)))


def _rival(attempt: Attempt) -> tuple[bool, str]:
    return attempt.admission, attempt.by


def _contest(attempt: Attempt, fields: str) -> Sentence:
    if attempt.admission and attempt.suspects:
        return say(
            "admission changes %(fields)s back in every write; it asks %(names)s. Leave the field to it by "
            "spec.ignoreDifferences, or change what it does",
            fields=fields,
            names=", ".join(attempt.suspects[:NAMED]),
        )
    if attempt.admission:
        return say(
            "admission, a mutating webhook or policy, changes %(fields)s back in every write. Leave the field to it by "
            "spec.ignoreDifferences, or change what it does",
            fields=fields,
        )
    if attempt.by:
        return say(
            "%(manager)s changes %(fields)s back each time it is set, so the portal has stopped setting it. Leave the "
            "field to it by spec.ignoreDifferences, or have it leave the field alone",
            manager=attempt.by,
            fields=fields,
        )
    return say(
        "somebody changes %(fields)s back each time it is set, so the portal has stopped setting it. Leave the field "
        "to them by spec.ignoreDifferences, or find out who it is",
        fields=fields,
    )


def resisted(body: Body, answer: Body) -> tuple[Change, ...]:
    """What the API server's answer to a write shows otherwise than it was sent: admission changed it."""
    return differences(body, answer, Share(body))
