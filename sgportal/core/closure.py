"""Which endpoints of a Service each node ought to see: those of its own NodeUnit, and no other (SuperEdge's rule).

An endpoint counts for a node if both carry the key with the same non-empty value. A node without the key sees none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .selector import Requirement, matches
from .status import PodView
from .text import Sentence, say
from .units import NodeView

# What must be said beside every answer of this module, for it is not yet ours to keep.
ENFORCEMENT = say(
    "This is what the topologyKeys annotation asks for. A kube-proxy obeys it only behind a filter that reads the "
    "annotation, such as SuperEdge's application-grid-wrapper; without one, traffic goes to every NodeUnit."
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod that serves: its name, first address, node and NodeUnit ("" where the node has none)."""

    pod: str
    ip: str
    node: str
    unit: str


@dataclass(frozen=True, slots=True)
class NodeEndpoints:
    """What one node ought to see. `state` is `closed` (in-unit endpoints only) or `refusing` (none, and why)."""

    node: str
    unit: str
    endpoints: tuple[Endpoint, ...]
    state: str
    reason: Sentence


def serving(
    template: Mapping[str, Any], key: str, nodes: Mapping[str, NodeView], pods: Iterable[PodView]
) -> tuple[Endpoint, ...]:
    """The endpoints of a Service, as the cluster's own controller would choose them: pods that its selector matches,
    with an address, on a node, not terminating, and ready unless `publishNotReadyAddresses`."""
    wanted = tuple(Requirement(name, "In", (value,)) for name, value in (template.get("selector") or {}).items())
    any_state = bool(template.get("publishNotReadyAddresses"))
    chosen = (
        pod
        for pod in pods
        if pod.node and pod.ips and not pod.terminating and (pod.ready or any_state) and matches(wanted, pod.labels)
    )
    found = (Endpoint(pod.name, pod.ips[0], pod.node, _unit(nodes.get(pod.node), key)) for pod in chosen)
    return tuple(sorted(found, key=lambda each: (each.unit, each.node, each.pod)))


def _unit(node: NodeView | None, key: str) -> str:
    return node.labels.get(key, "") if node else ""


def expected(key: str, nodes: Iterable[NodeView], endpoints: Iterable[Endpoint]) -> tuple[NodeEndpoints, ...]:
    """What each node ought to see, in order of node."""
    by_unit: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_unit.setdefault(endpoint.unit, []).append(endpoint)
    return tuple(_view(node, node.labels.get(key, ""), by_unit) for node in sorted(nodes, key=lambda each: each.name))


def _view(node: NodeView, unit: str, by_unit: Mapping[str, list[Endpoint]]) -> NodeEndpoints:
    if not unit:
        return NodeEndpoints(node.name, "", (), "refusing", say("the node is in no NodeUnit of this key"))
    found = tuple(by_unit.get(unit, ()))
    if not found:
        return NodeEndpoints(
            node.name, unit, (), "refusing", say("NodeUnit “%(unit)s” has no ready endpoint", unit=unit)
        )
    return NodeEndpoints(node.name, unit, found, "closed", say("only endpoints of NodeUnit “%(unit)s”", unit=unit))
