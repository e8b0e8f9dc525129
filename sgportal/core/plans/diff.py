"""How a live object differs from what we want of it: only over the fields that are ours.

What the server or others set elsewhere is theirs. Five things count: a wanted field that differs; a field we once
applied (per `metadata.managedFields`, Kubernetes "Server-Side Apply") and no longer want; an entry that somebody put
into a collection that a template defines as a whole (containers, environment, ports, limits); the other member of a
union of which we want one; and on a Service what says how its traffic is kept, which nobody else may say. What
admission adds is in nobody's set, and stays.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..names import CLOSURE, SELECTOR, TOPOLOGY_KEYS
from ..ownership.field_paths import (
    ATOMIC_MAPS,
    SELECTOR_FIELD,
    Field,
    entry_step,
    has_keys,
    in_words,
    keys_in,
    list_keys,
    place_of,
    value_at,
)
from ..ownership.managed_fields import covers, entries_of, is_applied, is_ours, node_at, setters
from ..ownership.share import Share
from ..usage.quantities import quantity

# What a template defines as a whole where it names it: nobody else has a say in what is in it.
WHOLE = {"containers", "initContainers", "volumes", "env", "ports", "limits", "requests"}
_HANDLERS = {"exec", "grpc", "httpGet", "sleep", "tcpSocket"}
_HANDLED = {"livenessProbe", "readinessProbe", "startupProbe", "postStart", "preStop"}
_QUANTITIES = {"limits", "requests", "capacity", "overhead", "sizeLimit", "divisor"}

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One field that will change: its JSON pointer in the live object, its value now and then (None: absent).

    `field` is the same in the steps of FieldsV1, `by` the manager that set it, where that is another than we.
    `claimed`: it is to go although others set it, so that it has to be ours before an apply without it removes it.
    `released`: its value stays, and it is ours no longer.
    """

    path: str
    old: Any
    new: Any
    field: Field = ()
    by: str = ""
    claimed: bool = False
    released: bool = False

    @property
    def name(self) -> str:
        """The field as people write it."""
        return in_words(self.field)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What must change, and the entries of whole collections that nobody asked for: admission added them."""

    changes: tuple[Change, ...]
    unasked: tuple[Field, ...]


def differences(desired: Body, live: Body, share: Share | None = None) -> tuple[Change, ...]:
    """What must change in `live` for it to agree with `desired` (metadata's labels, annotations, owners; spec), but for
    what `share` says is left to others."""
    return compared(desired, live, share).changes


def compared(desired: Body, live: Body, share: Share | None = None) -> Comparison:
    """`differences`, and what was seen on the way."""
    comparing = _Comparing(share or Share(desired), live, [])
    unique: dict[str, Change] = {}
    for change in comparing.changes():
        unique.setdefault(change.path, change)
    return Comparison(tuple(unique.values()), tuple(comparing.unasked))


@dataclass(frozen=True, slots=True)
class _Comparing:
    share: Share
    live: Body
    unasked: list[Field]

    def changes(self) -> Iterator[Change]:
        want, live = self.share.body, self.live
        names = ("labels", "annotations", "ownerReferences")
        metadata = {key: want["metadata"][key] for key in names if key in want["metadata"]}
        yield from self._compare(metadata, live["metadata"], ("f:metadata",))
        yield from self._compare(want["spec"], live.get("spec") or {}, ("f:spec",))
        if want.get("kind") == "Service":
            yield from self._left_by_others(want)
        for entry in entries_of(live):
            if is_ours(entry):
                for part in ("metadata", "spec"):
                    owned = (entry.get("fieldsV1") or {}).get(f"f:{part}") or {}
                    yield from self._unwanted(owned, want[part], live.get(part), (f"f:{part}",))

    def _change(self, old: Any, new: Any, field: Field) -> Change:
        """A change, with who set what is there."""
        path = place_of(field, self.live)
        if old is None:
            return Change(path, old, new, field)
        by = next(iter(setters(self.live, field)), "")
        if new is not None and by and any(self._owns(each, field) for each in entries_of(self.live) if is_ours(each)):
            by = ""  # it is as we left it, whoever agrees
        return Change(path, old, new, field, by, claimed=new is None and not self._goes_by_itself(field))

    def _owns(self, entry: Body, field: Field) -> bool:
        return node_at(entry.get("fieldsV1") or {}, field) is not None

    def _goes_by_itself(self, field: Field) -> bool:
        """Whether an apply without a field removes it: we applied it, or what holds it as one value, and nobody else
        set any of it."""
        owners = [each for each in entries_of(self.live) if self._owns(each, field)]
        return self._is_of_one_value(field) or bool(owners and all(map(is_applied, owners)))

    def _is_of_one_value(self, field: Field) -> bool:
        """Whether the API server owns and replaces what holds a field as one value."""
        return field[-2][2:] in ATOMIC_MAPS or (field[:-1] == SELECTOR_FIELD and self.live.get("kind") == "Service")

    def _compare(self, want: Any, have: Any, field: Field) -> Iterator[Change]:
        if isinstance(want, dict):
            yield from self._compare_maps(want, have if isinstance(have, dict) else {}, field)
        elif isinstance(want, list | tuple):
            yield from self._compare_lists(want, have if isinstance(have, list) else [], field)
        elif not (want is have or _same(want, have, field)):
            yield self._change(have, want, field)

    def _compare_maps(self, want: Body, have: Body, field: Field) -> Iterator[Change]:
        for key, value in want.items():
            yield from self._compare(value, have.get(key), (*field, f"f:{key}"))
        for key in sorted(have.keys() - want.keys()):
            here = (*field, f"f:{key}")
            if self._must_go(here, want, have):
                yield self._change(have[key], None, here)

    def _must_go(self, field: Field, want: Body, have: Body) -> bool:
        """Whether what stands beside what is wanted has to go."""
        above = field[:-1]
        if above[-1][2:] in WHOLE:
            return self._is_set_by_others(field)
        return self._is_of_one_value(field) or field[-1][2:] in _rivals(above, want, have)

    def _is_set_by_others(self, field: Field) -> bool:
        """Whether somebody asked for what is not wanted; nobody did for what admission added."""
        if self.share.is_left(field):
            return False
        found = setters(self.live, field, others_only=False)
        if not found:
            self.unasked.append(field)
        return bool(found)

    def _compare_lists(self, want: Sequence[Any], have: Sequence[Any], field: Field) -> Iterator[Change]:
        keys = list_keys(field)
        if not keys:
            inner = (*field, "k:{}")
            if len(want) != len(have) or any(
                True for each, other in zip(want, have, strict=True) for _ in self._compare(each, other, inner)
            ):
                yield self._change(have or None, want, field)
            return
        there = {entry_step(each, keys): each for each in have}
        wanted = {entry_step(each, keys): each for each in want}
        for step, each in wanted.items():
            if step in there:
                yield from self._compare(each, there[step], (*field, step))
            else:
                yield self._change(None, each, (*field, step))
        if field[-1][2:] in WHOLE:
            for step, each in there.items():
                if step not in wanted and self._is_set_by_others((*field, step)):
                    yield self._change(each, None, (*field, step))

    def _left_by_others(self, want: Body) -> Iterator[Change]:
        """A Service's selector and our annotations where they are not wanted: they must go whoever wrote them, kubectl
        or SuperEdge, for one of them left in place would make another controller write EndpointSlices."""
        for field in (*(("f:metadata", "f:annotations", f"f:{name}") for name in _CLOSING), SELECTOR_FIELD):
            have = value_at(self.live, field)
            if have and not value_at(want, field):
                yield self._change(have, None, field)

    def _unwanted(self, owned: Body, want: Any, have: Any, field: Field) -> Iterator[Change]:
        """Each outermost field of ours that is live and not wanted."""
        for step, inner in owned.items():
            next_have = _follow(step, have)
            if next_have is None:
                continue
            next_want = _follow(step, want)
            if next_want is None and step in _EVERYBODYS:
                next_want = {}
            here = (*field, step)
            if next_want is None:
                if next_have not in ({}, [], ""):
                    yield from self._given_up(inner, next_have, here)
            elif inner:
                yield from self._unwanted(inner, next_want, next_have, here)

    def _given_up(self, owned: Body, have: Any, field: Field) -> Iterator[Change]:
        """A field of ours that is not wanted any more: left as it is, if that is how it is given up, else removed."""
        if self.share.is_given(field):
            yield Change(place_of(field, self.live), have, have, field, released=True)
        elif not self.share.is_left(field) and not self._is_anothers_too(owned, field):
            yield self._change(have, None, field)

    def _is_anothers_too(self, owned: Body, field: Field) -> bool:
        """Whether another manager set all that we set of a field, and so wants it."""
        others = (each.get("fieldsV1") or {} for each in entries_of(self.live) if not is_ours(each))
        return any(covers(node, owned) for each in others if (node := node_at(each, field)) is not None)


_EVERYBODYS = ("f:labels", "f:annotations")  # each entry is somebody's, the whole is nobody's
_CLOSING = (CLOSURE, SELECTOR, TOPOLOGY_KEYS)


def _rivals(field: Field, want: Mapping[str, Any], have: Mapping[str, Any]) -> Collection[str]:
    """What cannot stand beside what is wanted: other members of a union (Kubernetes API conventions, "Unions")."""
    name, above = field[-1][2:], field[-2][2:] if len(field) > 1 else ""
    if above == "volumes" and len(want) > 1:
        return have.keys() - {"name"}
    if above == "env" and want.keys() & {"value", "valueFrom"}:
        return {"value", "valueFrom"}
    if name in _HANDLED and want.keys() & _HANDLERS:
        return _HANDLERS
    if name in ("strategy", "updateStrategy") and want.get("type") not in (None, "RollingUpdate"):
        return {"rollingUpdate"}
    return ()


def _follow(step: str, value: Any) -> Any:
    """Where a step of FieldsV1 leads, None for nowhere."""
    if isinstance(value, dict):
        return value.get(step[2:]) if step.startswith("f:") else None
    if step.startswith("k:") and isinstance(value, list | tuple):
        keys = keys_in(step)
        return next((each for each in value if has_keys(each, keys)), None)
    return None


def _same(want: Any, have: Any, field: Field) -> bool:
    if want == have and type(want) is type(have):
        return True
    if have is None:
        return not want  # the server leaves out false, 0 and ""
    if _QUANTITIES.intersection(step[2:] for step in field[-2:]):
        left, right = quantity(want), quantity(have)
        return left is not None and left == right
    return bool(want == have and isinstance(want, bool) == isinstance(have, bool))
