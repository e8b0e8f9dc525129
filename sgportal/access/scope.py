"""What a view may show and change for whoever asks: the one place where rights become the scope of queries and actions.

A view says how much of a scope it keeps: `grids`, that all it shows belongs to whole grids in scope; `units`, that it
keeps to NodeUnits as well. One that says nothing is not there for people whose rights are limited.
"""

from collections.abc import Iterable
from typing import Literal

from ..core.access.scope import NOTHING, Right, Scope
from ..models.scopes.selected import settle

Awareness = Literal["", "grids", "units"]


class OutOfScope(Exception):
    """What is asked for is not there for whoever asks; `is_known`: they may read it, but not do this."""

    def __init__(self, is_known: bool) -> None:
        super().__init__()
        self.is_known = is_known


def readable(rights: Iterable[Right], aware: Awareness, needed: str) -> Scope:
    """What a view that needs a role shows of everything now. Raises OutOfScope where that is nothing. One query where
    grants choose NodeUnits by labels."""
    return settle(granted(rights, aware, needed))


def granted(rights: Iterable[Right], aware: Awareness, needed: str) -> Scope:
    """The same as it was granted, whichever NodeUnits have the labels. Raises OutOfScope."""
    rights = tuple(rights)
    found = _kept(Scope.of(rights, needed), aware)
    if not found.bounds:
        raise OutOfScope(bool(_kept(Scope.of(rights, "viewer"), aware).bounds))
    return found


def granted_for(rights: Iterable[Right]) -> Scope:
    """What the stream of events tells of, as it was granted. Raises OutOfScope where that is nothing."""
    return granted(rights, "units", "viewer")


def _kept(scope: Scope, aware: Awareness) -> Scope:
    if scope.is_all or aware == "units":
        return scope
    return scope.of_whole_grids if aware == "grids" else NOTHING
