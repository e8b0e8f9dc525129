"""Which nodes do not obey hints for nodes, and what they would do with a Service that is closed all the same."""

from collections.abc import Collection, Iterable
from typing import Literal

from ...names import ZONE
from ...text import Sentence, say
from ...units import NodeView
from ..rules import IGNORES_HINTS, rule_of
from .agents import without_proxy
from .proof import version_on

Effect = Literal["leaks", "refuses", "unknown", "unseen"]
_NAMED = 3
_SAID = {
    "leaks": say("would reach the pods of every NodeUnit"),
    "refuses": say("would be refused, unless their zone belongs to one NodeUnit"),
    "unknown": say("run a kube-proxy of a version that is not known"),
    "unseen": say("have no kube-proxy that was seen, while others have: nobody knows what they would reach"),
}


def effect_on(node: NodeView, unproxied: Collection[str] = ()) -> Effect | None:
    """What a closed Service does on a node that does not obey hints for nodes; None for one that does. `unproxied` are
    nodes on which no kube-proxy was seen."""
    if node.name in unproxied and node.system != "windows":
        return "unseen"
    rule = IGNORES_HINTS if node.system == "windows" else rule_of(version_on(node))
    if rule is None:
        return "unknown"
    if rule.nodes:
        return None
    return "refuses" if rule.counts(node.labels.get(ZONE, "")) else "leaks"


def disobeying(nodes: Iterable[NodeView]) -> tuple[Sentence, ...]:
    """For each such effect the nodes that it is on: how many, the first by name, and what that means."""
    nodes = tuple(nodes)
    found: dict[Effect, list[str]] = {"leaks": [], "refuses": [], "unknown": [], "unseen": []}
    unproxied = without_proxy(nodes)
    for node in nodes:
        if effect := effect_on(node, unproxied):
            found[effect].append(node.name)
    return tuple(
        say("%(count)s nodes (%(names)s) %(effect)s", count=len(names), names=_listed(names), effect=_SAID[effect])
        for effect, names in found.items()
        if names
    )


def _listed(names: list[str]) -> str:
    first = ", ".join(sorted(names)[:_NAMED])
    return f"{first} … (+{len(names) - _NAMED})" if len(names) > _NAMED else first
