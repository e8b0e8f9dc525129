"""What the cluster can do for a closed loop, by what was last seen."""

import json
from dataclasses import dataclass

from django.db.models import Count, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from ..core.traffic.closure import Capabilities
from ..core.traffic.dataplane import Keeping, keeping
from ..core.traffic.rules import obeys_hints
from ..models.dataplane import DataPlane, read
from ..models.mirror import Node


@dataclass(frozen=True, slots=True)
class Abilities:
    """How many nodes there are, how many have a kube-proxy that obeys hints for nodes (its version is taken to be the
    kubelet's), and what can be kept by that and by the last look at the data plane."""

    nodes: int
    obeying: int
    keeping: Keeping


def abilities() -> Abilities:
    """One query: how many nodes have which version, and, with a count of -1, what was seen of the data plane."""
    versions = Node.objects.order_by().annotate(version=KT("info__nodeInfo__kubeletVersion")).values_list("version")
    seen = DataPlane.objects.annotate(text=Cast("seen", TextField())).values_list("text", Value(-1))
    rows = versions.annotate(Count("pk")).union(seen, all=True)
    counted = [(version or "", count) for version, count in rows]
    plane, trial = read(next((json.loads(text) for text, count in counted if count < 0), {}))
    nodes = sum(count for _, count in counted if count > 0)
    obeying = sum(count for version, count in counted if count > 0 and obeys_hints(version))
    return Abilities(nodes, obeying, keeping(plane, trial, nodes, obeying))


def capabilities() -> Capabilities:
    """What modes the cluster can keep. One query."""
    return abilities().keeping.can
