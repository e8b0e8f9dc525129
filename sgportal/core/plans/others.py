"""What others have set on a child that is as it should be: who scaled it, who added what. To be read, not acted on."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..ownership.field_paths import Field, listed, value_at
from ..ownership.managed_fields import entries_of, is_ours, name_of, outermost, setters
from ..ownership.share import REPLICAS, Share
from ..text import say
from .desired import Finding
from .diff import Change, Comparison, differences

Body = Mapping[str, Any]
_BEFORE = "before-first-apply"  # the API server's name for whoever wrote before there were managers


def notes_about(
    unit: str, wanted: Body, live: Body, shared: Share, found: Comparison, contested: Sequence[Change]
) -> Iterator[Finding]:
    """What there is to know about a child, where `found` is how it compares and `contested` those that stay."""
    mended = {each.field for each in found.changes}
    yield from _scaled(unit, wanted, live, shared)
    yield from _ignored(unit, wanted, live, shared)
    yield from _set_by_others(unit, wanted, live, mended)
    yield from _added_at_admission(unit, found, contested)


def _scaled(unit: str, wanted: Body, live: Body, shared: Share) -> Iterator[Finding]:
    """Who set the number of replicas that is left to others."""
    replicas = (live.get("spec") or {}).get("replicas")
    if wanted["kind"] == "Service" or not shared.is_left(REPLICAS) or replicas is None:
        return
    if by := next(iter(setters(live, REPLICAS)), ""):
        text = say("scaled by %(manager)s to %(replicas)s; the grid leaves it alone", manager=by, replicas=replicas)
        yield Finding(unit, "Scaled", text)
    elif replicas != 1 and replicas != wanted["spec"].get("replicas"):
        text = say("it has %(replicas)s replicas from before; the grid leaves that alone", replicas=replicas)
        yield Finding(unit, "Scaled", text)


def _ignored(unit: str, wanted: Body, live: Body, shared: Share) -> Iterator[Finding]:
    """What differs from the template and is left so by `spec.ignoreDifferences`."""
    if not shared.held and len(shared.given) <= ("replicas" not in wanted["spec"]):
        return
    left = [each for each in differences(wanted, live) if shared.is_left(each.field) and each.field != REPLICAS]
    left = [each for each in left if each.new is not None]
    if not left:
        return
    fields = listed(each.field for each in left)
    if managers := ", ".join(dict.fromkeys(each.by for each in left if each.by)):
        text = say("spec.ignoreDifferences leaves %(fields)s to %(manager)s", fields=fields, manager=managers)
    else:
        text = say("spec.ignoreDifferences leaves %(fields)s as it is", fields=fields)
    yield Finding(unit, "IgnoredDifference", text)


def _set_by_others(unit: str, wanted: Body, live: Body, mended: Collection[Field]) -> Iterator[Finding]:
    """What the template leaves out and others have set."""
    by_manager: dict[str, list[Field]] = {}
    for entry in entries_of(live):
        if not is_ours(entry) and entry.get("manager") != _BEFORE:
            spec = (entry.get("fieldsV1") or {}).get("f:spec") or {}
            found = outermost(spec, lambda field: value_at(wanted, field) is None, ("f:spec",))
            by_manager.setdefault(name_of(entry), []).extend(found)
    for manager, fields in by_manager.items():
        kept = [each for each in fields if each not in mended and each != REPLICAS and value_at(live, each) is not None]
        if kept:
            text = say("%(manager)s set %(fields)s, which the grid leaves alone", manager=manager, fields=listed(kept))
            yield Finding(unit, "SetByOthers", text)


def _added_at_admission(unit: str, found: Comparison, contested: Iterable[Change]) -> Iterator[Finding]:
    """What nobody asked for: a webhook or policy added it."""
    added = [*found.unasked, *(each.field for each in contested if is_addition(each))]
    if added:
        text = say("admission, a mutating webhook or policy, added to %(fields)s", fields=listed(added))
        yield Finding(unit, "AddedAtAdmission", text)


def is_addition(change: Change) -> bool:
    """Whether a list holds all that it should, in order, and more besides."""
    if not isinstance(change.new, Sequence) or isinstance(change.new, str) or not isinstance(change.old, list):
        return False
    rest = iter(change.old)
    return len(change.old) > len(change.new) and all(any(each == other for other in rest) for each in change.new)
