"""What the cluster's nodes can do for a closed loop, by what was last seen."""

from dataclasses import dataclass

from django.db.models import Count

from ..core.proxy import obeys_hints
from .mirror import Node


@dataclass(frozen=True, slots=True)
class Abilities:
    """How many nodes there are, and how many have a kube-proxy that obeys hints for nodes (its version is taken to be
    the kubelet's)."""

    nodes: int
    obeying: int


def abilities() -> Abilities:
    """One query."""
    rows = Node.objects.order_by().values_list("info__nodeInfo__kubeletVersion").annotate(Count("pk"))
    counted = [(version or "", count) for version, count in rows]
    return Abilities(sum(n for _, n in counted), sum(n for version, n in counted if obeys_hints(version)))
