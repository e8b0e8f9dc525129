"""What waits for a person while everything else goes on, and what may be chosen for it."""

from collections.abc import Mapping
from typing import Literal

from ..text import Sentence, say
from .halt import FOLLOW, RESTORE

Kind = Literal["grid-gone", "child-deletion"]
Choice = Literal["restore", "follow", "keep", "delete"]
GRID_GONE: Kind = "grid-gone"
CHILD_DELETION: Kind = "child-deletion"
KEEP: Choice = "keep"
DELETE: Choice = "delete"

_WHY: Mapping[Kind, Sentence] = {
    GRID_GONE: say(
        "its custom resource is gone from the cluster, together with those of many grids: it is kept, and nothing "
        "is made or deleted for it, until a person decides"
    ),
    CHILD_DELETION: say(
        "its workloads in NodeUnits that it no longer has would be deleted, so many at once or within a day that a "
        "person has to decide; until then they stay"
    ),
}
# What a person may choose for each kind, and what it leads to.
_THEN: Mapping[Kind, Mapping[Choice, Sentence]] = {
    GRID_GONE: {
        RESTORE: say("the grid is made anew in the cluster, with its workloads"),
        FOLLOW: say("it was meant to go: the portal removes the grid, and its revisions stay"),
    },
    CHILD_DELETION: {
        KEEP: say("the workloads stay as they are; once their NodeUnits have nodes again, they are treated as always"),
        DELETE: say("the workloads were meant to go: they are deleted now, with their pods"),
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
