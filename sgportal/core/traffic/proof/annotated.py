"""Services that no ServiceGrid makes and that carry SuperEdge's annotation `topologyKeys`: made by hand, for its filter
on the nodes. By its rule an endpoint is passed to a node where any of the keys has one value on both nodes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...names import HEADLESS, TOPOLOGY_KEYS, label_key_problem
from ...pods import PodView
from ...units import NodeView
from ..closure import Closure
from ..service import described
from ..slices.slices import built_in
from ..slices.topology import places
from .case import Seen
from .doubts import Doubt
from .proof import NodeProof, proof

_ELSEWHERE = ("service.kubernetes.io/service-proxy-name", HEADLESS)  # labels of Services that the filter leaves alone


def topology_keys(body: Mapping[str, Any]) -> tuple[str, ...]:
    """The label keys that SuperEdge's filter would hold a Service to; none where it would not look at it, or could not
    read its annotation, or no proxy serves it."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    text = (metadata.get("annotations") or {}).get(TOPOLOGY_KEYS) or ""
    if spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName":
        return ()
    if any(each in (metadata.get("labels") or {}) for each in _ELSEWHERE):
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    keys = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(each for each in keys if not label_key_problem(each)))


def annotated_proof(
    body: Mapping[str, Any], nodes: Iterable[NodeView], pods: Iterable[PodView], doubt: Doubt | None = None
) -> tuple[NodeProof, ...]:
    """What each node reaches of such a Service behind SuperEdge's filter, as its pods would have it; nothing for one
    that has no selector, whose endpoints are somebody else's. `doubt` is why the filter keeps nothing."""
    nodes, pods = tuple(nodes), tuple(pods)
    by_key = [
        proof(service, built_in(service, places(nodes, key), pods), nodes, seen=Seen(doubt))
        for key in topology_keys(body)
        if (service := described(body, Closure("wrapper"), key)).selector
    ]
    return tuple(_either(several) for several in zip(*by_key, strict=True))


def _either(several: tuple[NodeProof, ...]) -> NodeProof:
    """One node by all keys: what it reaches by any of them."""
    chosen = next((each for each in several if each.endpoints), several[0])
    reached = {str(each): replace(each, unit=chosen.unit) for one in several for each in one.endpoints}
    return replace(chosen, endpoints=tuple(reached.values()))
