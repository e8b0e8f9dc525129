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
        "its custom resource is missing from the cluster, with those of many grids: it is kept and not "
        "reconciled until somebody decides"
    ),
    CHILD_DELETION: say(
        "its workloads in former NodeUnits would be deleted, too many at once or within a day: they stay until "
        "somebody decides"
    ),
}
# What a person may choose for each kind, and what it leads to.
_THEN: Mapping[Kind, Mapping[Choice, Sentence]] = {
    GRID_GONE: {
        RESTORE: say("the grid and its workloads are created again in the cluster"),
        FOLLOW: say("the deletion was intended: the portal removes the grid and keeps its revisions"),
    },
    CHILD_DELETION: {
        KEEP: say("the workloads are kept; they are managed as usual when their NodeUnits have nodes again"),
        DELETE: say("the deletion was intended: the workloads are deleted with their pods"),
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
