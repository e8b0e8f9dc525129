"""When everything stops until a person decides: the cluster is not the one that the portal's grids belong to, or
everything is gone from it at once. Absence alone is never read as an intent to delete."""

from collections.abc import Mapping
from typing import Any, Literal

from ..text import Sentence, say

Reason = Literal["another-cluster"]
Choice = Literal["restore", "follow"]
ANOTHER_CLUSTER: Reason = "another-cluster"
RESTORE: Choice = "restore"
FOLLOW: Choice = "follow"

# What a person may choose for each reason.
CHOICES: Mapping[Reason, tuple[Choice, ...]] = {ANOTHER_CLUSTER: (RESTORE, FOLLOW)}

_WHY: Mapping[Reason, Sentence] = {
    ANOTHER_CLUSTER: say(
        "the API server belongs to another cluster (%(seen)s) than the portal's grids do (%(uid)s); the uid is that of "
        "the namespace kube-system"
    ),
}
_THEN: Mapping[tuple[Reason, Choice], Sentence] = {
    (ANOTHER_CLUSTER, RESTORE): say(
        "every grid is made anew in this cluster, with its workloads, and nodes of the same name get back the labels "
        "that put them into NodeUnits"
    ),
    (ANOTHER_CLUSTER, FOLLOW): say(
        "this cluster is right: the portal removes its grids that are not in it, and shows those that are"
    ),
}


def why(reason: Reason, facts: Mapping[str, Any]) -> Sentence:
    """Why everything stops; `facts` are what was seen, by the names in the sentence."""
    template = _WHY[reason]
    return Sentence(template.msgid, tuple(sorted((name, str(value)) for name, value in facts.items())))


def outcome(reason: Reason, choice: Choice) -> Sentence:
    """What a choice leads to."""
    return _THEN[reason, choice]
