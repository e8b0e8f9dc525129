"""What the resource metrics API (metrics.k8s.io/v1beta1) says of nodes and pods, and what that comes to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, NamedTuple, Self, TypeVar

from .quantities import quantity

Key = TypeVar("Key")
_MEBIBYTE = 2**20
# More is no measurement, and no number that a database keeps: a million cores, an exbibyte.
_MOST = {"cpu": Decimal(10) ** 6, "memory": Decimal(2) ** 60}


@dataclass(frozen=True, slots=True)
class Amount:
    """Processor time in cores, memory in bytes: exact, so that sums of many are."""

    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.cpu + other.cpu, self.memory + other.memory)

    @property
    def millicores(self) -> int:
        """Processor time in thousandths of a core, rounded up as `kubectl top` does."""
        return int((self.cpu * 1000).to_integral_value(ROUND_CEILING))

    @property
    def mebibytes(self) -> int:
        """Memory in MiB, rounded up."""
        return int((self.memory / _MEBIBYTE).to_integral_value(ROUND_CEILING))


class NodeSample(NamedTuple):
    """What a node uses."""

    name: str
    amount: Amount


class PodSample(NamedTuple):
    """What a pod uses: its containers together."""

    namespace: str
    name: str
    amount: Amount


def amount_of(resources: Any) -> Amount | None:
    """The processor time and memory in a list of resources, such as `usage` or `allocatable`; None where one of them is
    missing or no quantity of it."""
    if not isinstance(resources, Mapping):
        return None
    numbers = [quantity(resources.get(name)) for name in _MOST]
    for number, most in zip(numbers, _MOST.values(), strict=True):
        if number is None or not 0 <= number <= most:
            return None
    cpu, memory = numbers
    return Amount(cpu or Decimal(0), memory or Decimal(0))


def measured(amount: Amount) -> bool:
    """Whether this is a measurement: neither below nothing, nor more than there can be."""
    return 0 <= amount.cpu <= _MOST["cpu"] and 0 <= amount.memory <= _MOST["memory"]


def nodes_in(items: Iterable[Mapping[str, Any]]) -> Iterator[NodeSample]:
    """What a list of NodeMetrics says; what cannot be read is left out."""
    for item in items:
        amount, name = amount_of(item.get("usage")), (item.get("metadata") or {}).get("name")
        if amount is not None and name:
            yield NodeSample(str(name), amount)


def pods_in(items: Iterable[Mapping[str, Any]]) -> Iterator[PodSample]:
    """What a list of PodMetrics says. A pod of which a container cannot be read is left out: half of what it uses would
    pass for the whole."""
    for item in items:
        amounts = [amount_of(each.get("usage")) for each in item.get("containers") or ()]
        known = [each for each in amounts if each is not None]
        metadata = item.get("metadata") or {}
        if known and len(known) == len(amounts) and metadata.get("name"):
            namespace, name = str(metadata.get("namespace") or ""), str(metadata["name"])
            yield PodSample(namespace, name, sum(known[1:], known[0]))


def sums(parts: Iterable[tuple[Key, Amount]]) -> dict[Key, Amount]:
    """The sum of what there is of each key."""
    found: dict[Key, Amount] = {}
    for key, amount in parts:
        found[key] = found[key] + amount if key in found else amount
    return found
