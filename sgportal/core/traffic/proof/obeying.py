"""Which nodes do not obey hints for nodes, and what they would do with a Service that is closed all the same."""

from collections.abc import Iterable
from typing import Literal

from ...names import ZONE
from ...text import Sentence, say
from ...units import NodeView
from ..rules import IGNORES_HINTS, rule_of
from .proof import version_on

Effect = Literal["leaks", "refuses", "unknown"]
_NAMED = 3
_SAID = {
    "leaks": say("would reach the pods of every NodeUnit"),
    "refuses": say("would be refused, unless their zone belongs to one NodeUnit"),
    "unknown": say("run a kube-proxy of a version that is not known"),
}


def effect_on(node: NodeView) -> Effect | None:
    """What a closed Service does on a node that does not obey hints for nodes; None for one that does."""
    rule = IGNORES_HINTS if node.system == "windows" else rule_of(version_on(node))
    if rule is None:
        return "unknown"
    if rule.nodes:
        return None
    return "refuses" if rule.counts(node.labels.get(ZONE, "")) else "leaks"


def disobeying(nodes: Iterable[NodeView]) -> tuple[Sentence, ...]:
    """For each such effect the nodes that it is on: how many, the first by name, and what that means."""
    found: dict[Effect, list[str]] = {"leaks": [], "refuses": [], "unknown": []}
    for node in nodes:
        if effect := effect_on(node):
            found[effect].append(node.name)
    return tuple(
        say("%(count)s nodes (%(names)s) %(effect)s", count=len(names), names=_listed(names), effect=_SAID[effect])
        for effect, names in found.items()
        if names
    )


def _listed(names: list[str]) -> str:
    first = ", ".join(sorted(names)[:_NAMED])
    return f"{first} … (+{len(names) - _NAMED})" if len(names) > _NAMED else first
