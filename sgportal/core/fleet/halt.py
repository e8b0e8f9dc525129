"""When everything stops until a person decides: the cluster is not the one that the portal's grids belong to, or
everything is gone from it at once. Absence alone is never read as an intent to delete."""

from collections.abc import Mapping
from typing import Any, Literal

from ..text import Sentence, say

Reason = Literal["another-cluster", "definitions-gone", "grids-gone", "nodes-gone", "children-gone"]
Choice = Literal["restore", "follow"]
ANOTHER_CLUSTER: Reason = "another-cluster"
DEFINITIONS_GONE: Reason = "definitions-gone"
GRIDS_GONE: Reason = "grids-gone"
NODES_GONE: Reason = "nodes-gone"
CHILDREN_GONE: Reason = "children-gone"
RESTORE: Choice = "restore"
FOLLOW: Choice = "follow"

_WHY: Mapping[Reason, Sentence] = {
    ANOTHER_CLUSTER: say(
        "the API server belongs to another cluster (%(seen)s) than the portal's grids do (%(uid)s); the uid is that of "
        "the namespace kube-system"
    ),
    DEFINITIONS_GONE: say("the CRDs of %(kinds)s are missing from the cluster, and %(grids)s grids with them"),
    GRIDS_GONE: say("the custom resources of all %(grids)s grids are missing from the cluster"),
    NODES_GONE: say("the cluster has no nodes; it had %(nodes)s"),
    CHILDREN_GONE: say("the cluster no longer lists any of the %(children)s %(resource)s of the grids"),
}
# What a person may choose for each reason, and what it leads to.
_THEN: Mapping[Reason, Mapping[Choice, Sentence]] = {
    ANOTHER_CLUSTER: {
        RESTORE: say(
            "all grids and their workloads are created in this cluster, and nodes of the same names get their "
            "NodeUnit labels back"
        ),
        FOLLOW: say(
            "the cluster is correct: the portal removes its grids that are not in the cluster and shows those that are"
        ),
    },
    DEFINITIONS_GONE: {
        RESTORE: say("the CRDs are installed again, and all grids and their workloads are created again"),
        FOLLOW: say("the deletion was intended: the portal removes these grids and keeps their revisions"),
    },
    GRIDS_GONE: {
        RESTORE: say("all grids and their workloads are created again"),
        FOLLOW: say("the deletion was intended: the portal removes these grids and keeps their revisions"),
    },
    NODES_GONE: {
        FOLLOW: say(
            "the nodes were removed on purpose: NodeUnits without nodes are handled as usual, and the deletion "
            "of their workloads needs another approval"
        ),
    },
    CHILDREN_GONE: {RESTORE: say("the grids are correct: what is missing is created again")},
}


def why(reason: Reason, facts: Mapping[str, Any]) -> Sentence:
    """Why everything stops; `facts` are what was seen, by the names in the sentence."""
    return _WHY[reason].having(**{name: str(value) for name, value in sorted(facts.items())})


def choices(reason: Reason) -> tuple[Choice, ...]:
    """What a person may choose."""
    return tuple(_THEN[reason])


def outcome(reason: Reason, choice: Choice) -> Sentence:
    """What a choice leads to."""
    return _THEN[reason][choice]


REASONS: tuple[Reason, ...] = tuple(_WHY)
