"""What the cluster can do for a closed loop, by what was last seen."""

import json
from dataclasses import dataclass

from django.db.models import Count, TextField, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from ..core.grids.grid import GridSpec
from ..core.traffic.closure import UNKNOWN, Capabilities
from ..core.traffic.dataplane import Keeping, keeping
from ..core.traffic.proof.agents import KUBE_PROXY
from ..core.traffic.rules import obeys_hints
from ..models.cache import Node, Pod
from ..models.dataplane import DataPlane, read
from ..models.scopes.current import everything

_PROXY = "(kube-proxy)"  # in the place of a system


@dataclass(frozen=True, slots=True)
class Abilities:
    """How many nodes there are, how many have a kube-proxy that obeys hints for nodes (its version is the kubelet's,
    unless pods of an older one were seen), and what can be kept by that and by the last look at the data plane."""

    nodes: int
    obeying: int
    keeping: Keeping


@everything()
def abilities() -> Abilities:
    """One query: how many nodes have which version and system, how many pods of kube-proxy which version, and,
    with a count of -1, what was seen of the data plane."""
    version, system = KT("info__nodeInfo__kubeletVersion"), KT("info__nodeInfo__operatingSystem")
    nodes = Node.objects.order_by().annotate(version=version, system=system).values_list("version", "system")
    proxies = Pod.objects.filter(agent=KUBE_PROXY, terminating=False).order_by().values_list("version", Value(_PROXY))
    seen = DataPlane.objects.annotate(text=Cast("seen", TextField())).values_list("text", Value(""), Value(-1))
    rows = nodes.annotate(Count("pk")).union(proxies.annotate(Count("pk")), seen, all=True)
    counted = [(version or "", of or "", count) for version, of, count in rows]
    plane, trial = read(next((json.loads(text) for text, _, count in counted if count < 0), {}))
    kubelets = [each for each in counted if each[1] != _PROXY and each[2] > 0]
    total = sum(count for _, _, count in kubelets)
    able = sum(count for version, of, count in kubelets if obeys_hints(version) and of != "windows")
    old = sum(count for version, of, count in counted if of == _PROXY and obeys_hints(version) is False)
    obeying = max(0, min(able, total - old))
    windows = sum(count for _, of, count in kubelets if of == "windows")
    proxied = sum(count for _, of, count in counted if of == _PROXY)
    unseen = max(0, total - windows - proxied) if proxied else 0
    return Abilities(total, obeying, keeping(plane, trial, total, obeying, unseen))


def capabilities() -> Capabilities:
    """What modes the cluster can keep. One query."""
    return abilities().keeping.can


def capabilities_for(spec: GridSpec) -> Capabilities:
    """What modes the cluster can keep, where a grid makes a Service: one query; none for other grids."""
    return capabilities() if spec.kind.child_kind == "Service" else UNKNOWN
