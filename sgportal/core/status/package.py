"""The status of a ServiceGroup: of its members, how many there are, and what is so of it as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..health import of_all, severity
from ..text import Problem, Sentence, say
from .manifest import MOST_BYTES, condition_json, cut, size
from .parts import Condition

LONGEST = 1000  # bytes of a message
SHORT = 300  # of one about a member


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """What is said of a member: its state (one of `health.STATES`) and why, how many NodeUnits it is for and how many
    of these are as wanted; `rolled_out`: the condition of its rollout (None: it is rolled out all at once)."""

    kind: str
    name: str
    state: str
    ready: bool
    reason: str
    sentence: Sentence
    units: int = 0
    ready_units: int = 0
    rolled_out: Condition | None = None


ACCEPTED = Condition("Accepted", "True", "Accepted", say("it is valid, and its members are as it says"))


def refused(problems: Sequence[Problem]) -> Condition:
    """That a package is not valid: nothing of it is carried out."""
    first = problems[0]
    text = say(
        "%(where)s: %(why)s; nothing was changed (%(count)s problems)",
        where=first.pointer or "/",
        why=first.sentence,
        count=len(problems),
    )
    return Condition("Accepted", "False", "Invalid", text)


def conditions(accepted: Condition, members: Sequence[MemberStatus], deleting: Condition | None) -> list[Condition]:
    """Accepted, Ready; RolledOut where any member is rolled out in waves; Deleting where it is being deleted."""
    found = [accepted, _ready(accepted, members)]
    rollouts = [each.rolled_out for each in members if each.rolled_out]
    if rollouts:
        found.append(next((each for each in rollouts if each.status != "True"), rollouts[0]))
    return [*found, *([deleting] if deleting else [])]


def _ready(accepted: Condition, members: Sequence[MemberStatus]) -> Condition:
    if accepted.status != "True":
        return Condition("Ready", "False", accepted.reason, accepted.sentence)
    waiting = sorted((each for each in members if not each.ready), key=_worst_first)
    if not waiting:
        return Condition("Ready", "True", "AllReady", say("all %(count)s members are ready", count=len(members)))
    first = waiting[0]
    text = say(
        "%(count)s of %(total)s members are not ready, first %(kind)s %(name)s: %(why)s",
        count=len(waiting),
        total=len(members),
        kind=first.kind,
        name=first.name,
        why=first.sentence,
    )
    return Condition("Ready", "False", first.reason, text)


def package_status(
    found: Iterable[Condition], members: Sequence[MemberStatus], previous: Mapping[str, Any], now: str
) -> dict[str, Any]:
    """The status as the custom resource shows it, in at most 64 KB: the worst members first, as many as find room.
    `previous` is the status stored before, `now` the time in RFC 3339."""
    before = {each["type"]: each for each in previous.get("conditions") or ()}
    body = {
        "conditions": [_shorter(condition_json(each, before.get(each.type), now), LONGEST) for each in found],
        "state": of_all(each.state for each in members),
        "totalMembers": len(members),
        "readyMembers": sum(each.ready for each in members),
        "members": [],
    }
    room = MOST_BYTES - size(body) - 100
    entries: list[dict[str, Any]] = []
    for each in sorted(members, key=_worst_first):
        entry = _shorter(_member_json(each), SHORT)
        room -= size(entry) + 1
        if room < 0:
            break
        entries.append(entry)
    omitted = len(members) - len(entries)
    return {**body, "members": entries, **({"omittedMembers": omitted} if omitted else {})}


def _worst_first(member: MemberStatus) -> tuple[int, str, str]:
    return severity(member.state), member.kind, member.name


def _member_json(member: MemberStatus) -> dict[str, Any]:
    return {
        "kind": member.kind,
        "name": member.name,
        "state": member.state,
        "reason": member.reason,
        "message": str(member.sentence),
        "units": member.units,
        "readyUnits": member.ready_units,
        **({"rollout": member.rolled_out.reason} if member.rolled_out else {}),
    }


def _shorter(body: Mapping[str, Any], most: int) -> dict[str, Any]:
    return {**body, "message": cut(body["message"], most)}
