"""The scope of a grant: namespaces, kinds of grids, a NodeGroup or some of its NodeUnits; and scopes added up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from ..grids.kinds import KINDS
from ..overrides.choice import Choice
from ..selector import Requirement
from ..units import Unit

ROLES = ("viewer", "operator", "admin")  # each may do what those before it may
NO_UNIT = ("",)  # of a selector that takes none now: an empty label value names no NodeUnit


def has_role(held: str, needed: str) -> bool:
    """Whether a role ("" for none) is the needed one or one above it."""
    return held != "" and ROLES.index(held) >= (ROLES.index(needed) if needed else 0)


def lower(one: str, other: str) -> str:
    """The lower of two roles."""
    return min(one, other, key=lambda each: ROLES.index(each) if each else -1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a grant is for. Empty `namespaces` and `kinds` are all of them; `key` is the label key of a NodeGroup ("":
    any), `units` are the names of NodeUnits of it (empty: all). `selector`: of these only NodeUnits with such labels,
    until it is `settled`. `void`: for nothing at all."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    key: str = ""
    units: tuple[str, ...] = ()
    void: bool = False
    selector: tuple[Requirement, ...] = ()

    @property
    def is_by_unit(self) -> bool:
        """Whether only some NodeUnits are within."""
        return bool(self.units or self.selector)

    def settled(self, units: Iterable[Unit]) -> "Bounds":
        """The same with the names of what its selector takes of the NodeUnits of its NodeGroup as they are now."""
        choice = Choice(wanted=self.selector)
        names = (each.name for each in units if choice.takes(each) and (not self.units or each.name in self.units))
        return replace(self, units=tuple(sorted(names)) or NO_UNIT, selector=())

    @property
    def is_all(self) -> bool:
        """Whether nothing is out of it."""
        return self == Bounds()

    def takes(self, kind: str, namespace: str, key: str) -> bool:
        """Whether a grid, or what it has in some units, is within."""
        return (
            not self.void
            and (not self.namespaces or namespace in self.namespaces)
            and (not self.kinds or kind in self.kinds)
            and self.key in ("", key)
        )

    def takes_namespace(self, namespace: str) -> bool:
        """Whether anything in a namespace may be within."""
        return not self.void and (not self.namespaces or namespace in self.namespaces)

    def within(self, other: "Bounds") -> "Bounds":
        """What is within both."""
        namespaces, no_namespace = _both(self.namespaces, other.namespaces)
        kinds, no_kind = _both(self.kinds, other.kinds)
        units, no_unit = _both(self.units, other.units)
        foreign = bool(self.key and other.key and self.key != other.key)
        void = self.void or other.void or no_namespace or no_kind or no_unit or foreign
        if void:
            return Bounds(void=True)
        selector = tuple(sorted({*self.selector, *other.selector}, key=repr))
        return Bounds(namespaces, kinds, self.key or other.key, units, selector=selector)


def _both(mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """What is in both, where an empty one is everything, and whether that is nothing."""
    if not mine or not others:
        return mine or others, False
    both = tuple(sorted(set(mine) & set(others)))
    return both, not both


@dataclass(frozen=True, slots=True)
class Right:
    """A role, and what it is held for."""

    role: str
    bounds: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class Scope:
    """What is within any of `bounds`."""

    bounds: tuple[Bounds, ...]

    @classmethod
    def of(cls, rights: Iterable[Right], needed: str) -> Self:
        """What somebody with these rights has at least the role `needed` for."""
        found = {each.bounds for each in rights if has_role(each.role, needed) and not each.bounds.void}
        if any(each.is_all for each in found):
            return cls((Bounds(),))
        return cls(tuple(sorted(found, key=repr)))

    @property
    def is_all(self) -> bool:
        """Whether nothing is out of it."""
        return any(each.is_all for each in self.bounds)

    @property
    def is_settled(self) -> bool:
        """Whether it says by name which NodeUnits are within."""
        return not any(each.selector for each in self.bounds)

    @property
    def of_whole_grids(self) -> "Scope":
        """The part of it that is not limited to NodeUnits: in it whole grids may be read and changed."""
        return replace(self, bounds=tuple(each for each in self.bounds if not each.is_by_unit))

    def takes_whole(self, kind: str, namespace: str, key: str) -> bool:
        """Whether all that a grid has, in whatever NodeUnit, is within one of the bounds."""
        return any(not each.units and each.takes(kind, namespace, key) for each in self.bounds)

    def takes_package(self, namespace: str, key: str) -> bool:
        """Whether a ServiceGroup of a NodeGroup is within: whoever is limited to some kinds, or to some NodeUnits, sees
        a part of it only."""
        return any(
            not each.kinds and not each.units and each.takes_namespace(namespace) and each.key in ("", key)
            for each in self.bounds
        )

    def takes_namespace(self, namespace: str) -> bool:
        """Whether anything in a namespace may be within."""
        return any(each.takes_namespace(namespace) for each in self.bounds)

    def takes_units(self, kind: str, namespace: str, key: str, units: Iterable[str]) -> bool:
        """Whether what a grid has in each of these NodeUnits is within."""
        mine = [each for each in self.bounds if each.takes(kind, namespace, key)]
        return all(any(not each.units or unit in each.units for each in mine) for unit in units)

    def takes_nodes_of(self, key: str, unit: str) -> bool:
        """Whether the nodes of a NodeUnit are within."""
        return any(each.key in ("", key) and (not each.units or unit in each.units) for each in self.bounds)

    def takes_node(self, labels: Mapping[str, str]) -> bool:
        """Whether a node with these labels is within."""
        return any(
            not each.key or (labels.get(each.key) and (not each.units or labels[each.key] in each.units))
            for each in self.bounds
        )

    def told(self, kind: str, key: str) -> tuple[str, str] | None:
        """A line of the change log as somebody with this scope is told of it: as it is, with "" for a name that may be
        out of scope, or not at all."""
        if self.is_all or kind in ("cluster", "usage"):
            return kind, key
        if kind == "unit":
            label, of_one, unit = key.partition("=")
            is_mine = self.takes_nodes_of(label, unit) if of_one else any(e.key in ("", label) for e in self.bounds)
            return (kind, key) if is_mine else None
        if kind == "node":
            return kind, key if any(not each.key for each in self.bounds) else ""
        if kind != "grid":
            return None
        plural, namespace, _ = [*key.split("/", 2), "", ""][:3]
        of_kind = next((each.kind for each in KINDS.values() if each.plural == plural), "")
        mine = [each for each in self.bounds if each.takes(of_kind, namespace, each.key)]
        return (kind, key if any(not each.key for each in mine) else "") if mine else None


EVERYTHING, NOTHING = Scope((Bounds(),)), Scope(())


def administers(rights: Iterable[Right]) -> bool:
    """Whether these make somebody an admin of everything."""
    return Scope.of(rights, ROLES[-1]).is_all
