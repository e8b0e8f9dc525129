"""What each NodeUnit contributes to a Service's slices. A unit whose pods and names stay is not worked out anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...pods import PodView
from ..service import ServiceFacts
from .endpoints import Endpoint, endpoint_body, endpoints_of
from .hints import HintAssignment, ReadyEndpoints, hint_assignments, hints_of, key_of, ready_endpoints_of, silence
from .topology import Places

# The Service's ports that an endpoint has, by index, and their numbers: one slice holds endpoints that agree on both.
PortMap = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An endpoint as a slice lists it."""

    uid: str
    ports: PortMap
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A unit in one family: its pods, who of them speaks (None: nobody), what they name, and the entries this gives."""

    pods: tuple[PodView, ...]
    endpoints: tuple[Endpoint, ...]
    ready: ReadyEndpoints | None
    assignment: HintAssignment
    entries: tuple[Entry, ...] = ()


_SILENT = HintAssignment()


def parts_of(
    service: ServiceFacts,
    where: Places,
    listed: Mapping[str, Sequence[PodView]],
    family: str,
    before: Mapping[str, Part],
) -> dict[str, Part]:
    """The part of each unit that lists any pod, in order of unit. `before` are the parts of the same Service at the
    same places: those to which nothing happened are used again."""
    heard = {unit: _heard(service, where, tuple(listed[unit]), family, before.get(unit)) for unit in sorted(listed)}
    named = hint_assignments(
        {unit: part.ready for unit, part in heard.items() if part.ready}, service.closure.failover, where
    )
    return {unit: _written(service, where, part, named.get(unit, _SILENT)) for unit, part in heard.items()}


def _heard(service: ServiceFacts, where: Places, pods: tuple[PodView, ...], family: str, before: Part | None) -> Part:
    if before and before.pods == pods:
        return before
    endpoints = endpoints_of(service, where, pods, family)
    return Part(pods, endpoints, ready_endpoints_of(endpoints, len(service.ports)), _SILENT)


def _written(service: ServiceFacts, where: Places, part: Part, assignment: HintAssignment) -> Part:
    if len(part.entries) == len(part.endpoints) and part.assignment == assignment:
        return part
    hints = hints_of(part.ready, assignment, where) if part.ready else {}
    entries = tuple(
        Entry(
            each.pod.uid,
            (each.ports, each.numbers),
            endpoint_body(service, each, (hints.get(key_of(each)) if each.ready else None) or silence(where)),
        )
        for each in part.endpoints
    )
    return Part(part.pods, part.endpoints, part.ready, assignment, entries)
