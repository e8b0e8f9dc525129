"""What somebody did, in words: a sentence for each entry of the audit trail. Nothing of it is stored."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from ..grids.kinds import BY_PLURAL
from ..grids.reach import overridden, units_annotated
from ..names import APPROVED_UNITS, PAUSED, PAUSED_UNITS, RESTARTED, RESTARTED_UNITS
from ..overrides.requests import units_in
from ..text import Sentence, say

MOST_FIELDS = 3  # of a change that are named
MOST_CHARACTERS = 60  # of a value
_TOLD: Mapping[str, Sentence] = {
    "create": say("created %(what)s"),
    "change": say("changed %(what)s"),
    "delete": say("deleted %(what)s"),
    "recreate": say("had the workload of %(what)s made anew"),
    "pin": say("pinned NodeUnits of %(what)s to a revision: %(details)s"),
    "unpin": say("had NodeUnits of %(what)s follow the grid again: %(details)s"),
    "label": say("changed labels of nodes: %(details)s"),
    "move": say("moved nodes between NodeUnits: %(details)s"),
    "cordon": say("cordoned nodes: %(details)s"),
    "uncordon": say("uncordoned nodes: %(details)s"),
    "drain": say("drained nodes: %(details)s"),
    "keep": say("decided that workloads of %(what)s are kept: %(details)s"),
    "restore": say("decided that %(what)s is restored in the cluster"),
    "follow": say("decided that the cluster's state holds for %(what)s"),
    "approval-asked": say("asked another person to approve an action on %(what)s: %(details)s"),
    "approval-given": say("approved an action on %(what)s: %(details)s"),
    "approval-refused": say("refused an action on %(what)s: %(details)s"),
    "approval-used": say("carried out an approved action on %(what)s: %(details)s"),
    "exec": say("ran a command in a pod of %(what)s: %(details)s"),
    "exec-ended": say("ran a command in a pod of %(what)s to its end: %(details)s"),
    "take-over": say("took the grids over from SuperEdge"),
    "hand-back": say("began to hand the grids back to SuperEdge"),
    "definitions": say("replaced the custom resource definitions"),
    "stop": say("stopped all writes to the cluster"),
    "resume": say("resumed writes to the cluster"),
    "rollout-start": say("started the rollout of %(what)s"),
    "rollout-pause": say("paused the rollout of %(what)s"),
    "rollout-resume": say("resumed the rollout of %(what)s"),
    "rollout-approve": say("approved the next wave of %(what)s"),
    "rollout-skip": say("skipped NodeUnits in the rollout of %(what)s"),
    "rollout-abort": say("aborted the rollout of %(what)s"),
    "rollout-rollback": say("rolled %(what)s back"),
}
_OF_ALL: Mapping[str, Sentence] = {
    "restore": say("decided that all grids are restored in the cluster"),
    "follow": say("decided that the cluster's state holds"),
}
# The actions of `core.access.four_eyes`.
APPROVED = {
    "delete": say("delete"),
    "drain": say("drain"),
    "rollback": say("roll back"),
    "decide": say("decision"),
}
_DELETED = say("decided that workloads of %(what)s are deleted: %(details)s")
_CHANGED = say("changed %(what)s: %(details)s")
_CUT_OFF = say("ran a command in a pod of %(what)s, which was cut off or refused: %(details)s")
_OTHER = say("%(verb)s: %(what)s")
_PAUSED = say("paused %(what)s")
_RESUMED = say("resumed %(what)s")
_RESTARTED = say("restarted %(what)s")
_PAUSED_IN = say("paused %(what)s in %(units)s")
_RESUMED_IN = say("resumed %(what)s in %(units)s")
_APPROVED_IN = say("approved %(what)s in %(units)s")
_RESTARTED_IN = say("restarted %(what)s in %(units)s")


def told(verb: str, path: str, before: Any, after: Any) -> Sentence:
    """What was done: `verb` and `path` are those of the entry, `before` and `after` what it has of the states."""
    sentence = _OF_ALL.get(verb) if path == "cluster" else None
    sentence = sentence or _TOLD.get(verb)
    if sentence is None:
        return _OTHER.having(verb=verb, what=named(path))
    if verb == "exec-ended" and isinstance(after, Mapping) and after.get("exitCode") is None:
        sentence = _CUT_OFF
    if verb.startswith("approval-") and isinstance(after, Mapping):
        return sentence.having(what=named(path), details=_approved(after))
    details = ", ".join(_details(verb, path, before, after))
    if verb == "change" and not details and (asked := _asked(before, after)):
        sentence, units = asked
        return sentence.having(what=named(path), units=units) if units else sentence.having(what=named(path))
    if verb == "change" and details:
        sentence = _CHANGED
    if verb == "delete" and details:
        sentence = _DELETED
    return sentence.having(what=named(path), details=details)


def named(path: str) -> str:
    """An object as people call it: `DeploymentGrid shop/web`, with the NodeUnit where it is one's."""
    place, _, unit = path.partition("#")
    plural, _, name = place.partition("/")
    found = BY_PLURAL[plural].kind if plural in BY_PLURAL else {"servicegroups": "ServiceGroup"}.get(plural, "")
    said = f"{found} {name}" if found else place
    return f"{said} ({unit})" if unit else said


def _details(verb: str, path: str, before: Any, after: Any) -> Iterator[str]:
    if verb == "change":
        yield from _fields(before, after)
    elif verb in ("label", "move"):
        yield from _labels(path, before, after)
    elif verb in ("pin", "unpin") and isinstance(after, Mapping):
        yield from _some([unit if number is None else f"{unit}={number}" for unit, number in after.items()])
    elif verb in ("keep", "delete") and isinstance(before, Mapping):
        yield from _some([str(unit) for unit in before.get("units") or ()])
    elif verb in ("exec", "exec-ended") and isinstance(asked := before or after, Mapping):
        yield from (str(asked["pod"]), str(asked["container"]))  # the command is for readers of the audit log alone
    elif isinstance(before, Mapping):
        yield from _some([str(node) for node in before])


def _approved(after: Mapping[str, Any]) -> Sentence | str:
    """What takes two people, and the other of them."""
    known = str(after.get("action", ""))
    action, who = APPROVED.get(known, known), [str(after[name]) for name in ("asked", "by") if name in after]
    return say("%(action)s, %(who)s", action=action, who=", ".join(who)) if who else action


def _labels(path: str, before: Any, after: Any) -> Iterator[str]:
    names = [path.removeprefix("nodes/")] if path.startswith("nodes/") else list(before or ())
    yield from _some([str(name) for name in names])
    values = after if isinstance(after, Mapping) else {}
    each = [_label(name, value) for name, value in values.items()]
    yield from _some([text for text in each if text])


def _label(name: str, value: Any) -> str:
    """A label that was set or removed; of a node that got its own the first of them."""
    if isinstance(value, Mapping):
        return f"{name}: " + " ".join(_label(key, each) for key, each in value.items())
    return f"-{name}" if value is None else f"{name}={value}"


def _some(texts: list[str]) -> Iterator[str]:
    yield from texts[:MOST_FIELDS]
    if len(texts) > MOST_FIELDS:
        yield f"+{len(texts) - MOST_FIELDS}"


def _asked(before: Any, after: Any) -> tuple[Sentence, str] | None:
    """What a change of annotations alone asks for, and of which NodeUnits."""
    if not (_has_metadata(before) and _has_metadata(after)):
        return None
    was, now = ((each["metadata"].get("annotations") or {}) for each in (before, after))
    for name, sentence in ((PAUSED, _PAUSED if now.get(PAUSED) else _RESUMED), (RESTARTED, _RESTARTED)):
        if was.get(name) != now.get(name):
            return sentence, ""
    paused = len(units_in(now, PAUSED_UNITS)) > len(units_in(was, PAUSED_UNITS))
    of_units = {
        PAUSED_UNITS: _PAUSED_IN if paused else _RESUMED_IN,
        APPROVED_UNITS: _APPROVED_IN,
        RESTARTED_UNITS: _RESTARTED_IN,
    }
    for name, sentence in of_units.items():
        if units := units_annotated(before, after, name):
            return sentence, ", ".join(_some(sorted(units)))
    return None


def _has_metadata(manifest: Any) -> bool:
    return isinstance(manifest, Mapping) and isinstance(manifest.get("metadata"), Mapping)


def _fields(before: Any, after: Any) -> Iterator[str]:
    """The fields that differ, each with its value before and after; what is said of NodeUnits by name, with these."""
    specs = [(each.get("spec") if isinstance(each, Mapping) else None) or {} for each in (before, after)]
    of_units = [f"{', '.join(_some(units))}: {_put(entry)}" for units, entry in overridden(*specs)]
    if of_units:
        specs = [{name: value for name, value in each.items() if name != "overrides"} for each in specs]
    found = list(_differences("", specs[0], specs[1]))
    yield from _some([*of_units, *(f"{path.lstrip('.')}: {_short(old)} → {_short(new)}" for path, old, new in found)])


def _put(entry: Mapping[str, Any] | None) -> str:
    """What an override puts in the place of what the template says."""
    said = {name: value for name, value in (entry or {}).items() if name != "container"}
    return ", ".join(f"{name} → {_short(value)}" for name, value in said.items()) or _short(None)


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """What differs, leaf by leaf: also of what was not there before or is there no more."""
    kinds = {type(each) for each in (old, new) if each is not None}
    if old == new:
        return
    if (old or new) and kinds == {dict}:
        one, other = old or {}, new or {}
        for key in [*one, *(each for each in other if each not in one)]:
            yield from _differences(f"{path}.{key}", one.get(key), other.get(key))
    elif (old or new) and kinds == {list}:
        for index, pair in enumerate(zip_longest(old or (), new or ())):
            yield from _differences(f"{path}[{index}]", *pair)
    else:
        yield path, old, new


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Mapping | list):
        return "…"
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
