"""What the cluster's nodes can do for a closed loop, by what was last seen."""

from dataclasses import dataclass

from django.db.models import Count

from ..core.closure import Capabilities
from ..core.proxy import SINCE, obeys_hints
from ..core.text import say
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


def capabilities() -> Capabilities:
    """What modes the cluster can keep. A kubelet is never newer than its API server, so one node that obeys hints shows
    that the cluster can; older nodes beside it are named by the proof of each Service. Without any node nothing can
    leak, and nothing is opened only because nodes went away. One query."""
    seen = abilities()
    since = ".".join(map(str, SINCE))
    reason = say(
        "none of its %(nodes)s nodes is of version %(since)s or later, which obey hints for nodes",
        nodes=seen.nodes,
        since=since,
    )
    return Capabilities(seen.obeying > 0 or seen.nodes == 0, reason)
