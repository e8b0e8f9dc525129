"""What waits for a person while everything else goes on, and what may be chosen for it."""

from collections.abc import Mapping
from typing import Literal

from ..text import Sentence, say
from .halt import FOLLOW, RESTORE

Kind = Literal["grid-gone"]
Choice = Literal["restore", "follow"]
GRID_GONE: Kind = "grid-gone"

_WHY: Mapping[Kind, Sentence] = {
    GRID_GONE: say(
        "its custom resource is gone from the cluster, together with those of many grids: it is kept, and nothing "
        "is made or deleted for it, until a person decides"
    ),
}
# What a person may choose for each kind, and what it leads to.
_THEN: Mapping[Kind, Mapping[Choice, Sentence]] = {
    GRID_GONE: {
        RESTORE: say("the grid is made anew in the cluster, with its workloads"),
        FOLLOW: say("it was meant to go: the portal removes the grid, and its revisions stay"),
    },
}
KINDS: tuple[Kind, ...] = tuple(_WHY)
CHOICES: tuple[Choice, ...] = tuple(dict.fromkeys(choice for then in _THEN.values() for choice in then))


def why(kind: Kind) -> Sentence:
    """Why a thing of this kind waits."""
    return _WHY[kind]


def choices(kind: Kind) -> tuple[Choice, ...]:
    """What a person may choose."""
    return tuple(_THEN[kind])


def outcome(kind: Kind, choice: Choice) -> Sentence:
    """What a choice leads to."""
    return _THEN[kind][choice]
