"""What Prometheus says of pods and nodes, by the metrics of the kubelets' cAdvisor."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from .measure import Amount, NodeSample, PodSample, measured

CPU, MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
RATE = "5m"  # that a rate is over: several scrapes, whatever the interval
NAMESPACES = 200  # that one query names
_CONTAINERS = 'container!="",container!="POD"'  # neither a pod's own cgroup nor what holds its network
_NODE = 'id="/"'


class Sample(NamedTuple):
    """A number, and the labels of its series."""

    labels: Mapping[str, str]
    value: float


def samples_of(body: bytes) -> list[Sample]:
    """The samples in the answer to an instant query (HTTP API, v1). Raises ValueError where it is none."""
    try:
        data = json.loads(body)["data"]
        found = [{"value": data["result"]}] if data["resultType"] == "scalar" else data["result"]
        return [Sample(dict(each.get("metric") or {}), float(each["value"][1])) for each in found]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"no answer to an instant query: {error!r}") from error


def pod_queries(namespaces: Sequence[str]) -> tuple[str, str]:
    """The queries for processor time and memory of the pods of some namespaces. A container that two jobs scrape, or
    that has just begun anew, counts once."""
    among = f'{_CONTAINERS},namespace=~"{"|".join(namespaces)}"'
    inner = "max by (namespace, pod, container)"
    return (
        f"sum by (namespace, pod) ({inner} (rate({CPU}{{{among}}}[{RATE}])))",
        f"sum by (namespace, pod) ({inner} ({MEMORY}{{{among}}}))",
    )


def node_queries() -> tuple[str, str]:
    """The same for nodes. Which label has a node's name depends on how the kubelets are scraped."""
    by = "max by (node, instance)"
    return f"{by} (rate({CPU}{{{_NODE}}}[{RATE}]))", f"{by} ({MEMORY}{{{_NODE}}})"


def pods_of(cpu: Iterable[Sample], memory: Iterable[Sample]) -> Iterator[PodSample]:
    """What pods use; one of which either is not known is left out."""
    for (namespace, name), amount in _amounts(cpu, memory, lambda labels: (labels.get("namespace"), labels.get("pod"))):
        yield PodSample(namespace, name, amount)


def nodes_of(cpu: Iterable[Sample], memory: Iterable[Sample]) -> Iterator[NodeSample]:
    """What nodes use."""
    for (name,), amount in _amounts(cpu, memory, lambda labels: (labels.get("node") or _host(labels.get("instance")),)):
        yield NodeSample(name, amount)


def _host(instance: str | None) -> str:
    return (instance or "").partition(":")[0]


def _amounts(cpu: Iterable[Sample], memory: Iterable[Sample], key_of: Any) -> Iterator[tuple[Any, Amount]]:
    cores, octets = ({key_of(each.labels): each.value for each in several} for several in (cpu, memory))
    for key in cores:
        if all(key) and key in octets and math.isfinite(cores[key]) and math.isfinite(octets[key]):
            amount = Amount(Decimal(repr(cores[key])), Decimal(repr(octets[key])))
            if measured(amount):
                yield key, amount
