"""What the portal says each node reaches, beside whom the calls from there met while nothing changed."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from tests.kube.network import Call, Caller
from tests.services import wait_for

from .edge import Edge

ENOUGH = 60  # calls of each source that is answered: one of four pods is then missed once in ten million


@dataclass(frozen=True)
class Phase:
    """A time in which nothing changed. `said` is what REST answered in it, by node: the state and the names of the pods
    that are reached; `units` is which NodeUnit each node was in, by the labels that the test had set."""

    name: str
    start: float
    end: float
    said: Mapping[str, tuple[str, frozenset[str]]]
    units: Mapping[str, str]

    def calls(self, calls: Iterable[Call]) -> Iterator[Call]:
        """Those that began and ended in it."""
        return (each for each in calls if self.start <= each.start <= self.end - each.millis / 1000)


def look(
    here: Edge, service: str, name: str, caller: Caller, units: Mapping[str, str], pods: Mapping[str, str] | None = None
) -> Phase:
    """Ask the portal, once, and let every source call often enough to meet whom it can. Of the sources in `pods`, each
    with its node, those that are said to be refused are not waited for: a refusal takes them a second."""
    start, first = time.time(), len(caller.calls)
    rows = here.proof(service)
    assert all(row["observed"] for row in rows.values()), "not read off the slices in the cluster"
    said = {node: (row["state"], frozenset(each["pod"] for each in row["endpoints"])) for node, row in rows.items()}
    awaited = {each for each in caller.sources if not pods or each not in pods or said[pods[each]][0] != "refusing"}

    def met() -> bool:
        counts: dict[str, int] = defaultdict(int)
        for each in caller.calls[first:]:
            counts[each.source] += (1 if each.node else ENOUGH) if each.start >= start else 0
        return all(counts[source] >= ENOUGH for source in awaited)

    wait_for(met, 75, f"every source has called ({name})", 0.1)
    return Phase(name, start, time.time(), said, dict(units))


def differences(phase: Phase, calls: Iterable[Call], node_of: Mapping[str, str]) -> list[str]:
    """Where connections of a phase showed something else than was said, source by source."""
    answered, failed = defaultdict(set), defaultdict(set)
    for call in sorted(phase.calls(calls), key=attrgetter("start")):
        answered[call.source] |= {(call.pod, call.node)} if call.node else set()
        failed[call.source] |= {call.error} - {""}
    found = []
    for source in sorted({*answered, *failed}):
        node = node_of[source]
        state, pods = phase.said[node]
        met = frozenset(pod for pod, _ in answered[source])
        shown = {phase.units[place] for _, place in answered[source]}
        if met != pods or failed[source] - ({"refused"} if state == "refusing" else set()):
            found.append(f"{phase.name}: {source} was said to reach {sorted(pods)}, met {sorted(met)} {failed[source]}")
        if state != _word(state, shown, phase.units[node]):
            found.append(f"{phase.name}: {source} was said to be {state}, met {shown}")
    return found


def _word(said: str, shown: set[str], unit: str) -> str:
    """The state that the NodeUnits of those who answered make: whether `open` is allowed is for the mode to say."""
    if not shown:
        return "refusing"
    if unit and shown == {unit}:
        return "closed"
    return said if said in ("open", "leaking") else "open or leaking"
