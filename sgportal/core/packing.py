"""Which endpoint stands in which slice: a NodeUnit stays together, and where it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .endpoints import Endpoint
from .places import Places

LIMIT = 100  # endpoints per slice, as Kubernetes' own controller packs them
FILL = 64  # a slice takes newcomers up to here, so that a unit that grows finds room in its slice


def pack(
    units: Iterable[tuple[str, Sequence[Endpoint]]],
    live: Sequence[Mapping[str, Any]],
    where: Places,
    names: Iterator[str],
) -> dict[str, list[Endpoint]]:
    """The endpoints of each slice by its name; `live` are the slices they may stay in, `names` are for new ones.

    Where a slice has become too small, the largest units leave it. A unit of more than LIMIT endpoints spans several
    slices; each of its endpoints stays where it is.
    """
    unit_homes, pod_homes = _homes(live, where)
    loads: dict[str, list[Endpoint]] = {slice_["metadata"]["name"]: [] for slice_ in live}
    homeless: list[Sequence[Endpoint]] = []
    for unit, members in sorted(units, key=lambda each: len(each[1])):
        whole = len(members) <= LIMIT
        parts = [members] if whole else [(each,) for each in members]
        for part in parts:
            home = unit_homes.get(unit) if whole else pod_homes.get(part[0].pod.uid)
            if home and len(loads[home]) + len(part) <= LIMIT:
                loads[home].extend(part)
            else:
                homeless.append(part)
    for part in homeless:
        loads.setdefault(_room(loads, len(part)) or next(names), []).extend(part)
    order = {
        name: sorted(load, key=lambda each: (each.unit, each.pod.name, each.pod.uid)) for name, load in loads.items()
    }
    return {name: load for name, load in order.items() if load}


def _homes(live: Iterable[Mapping[str, Any]], where: Places) -> tuple[dict[str, str], dict[str, str]]:
    """The slice that lists most of each unit, and the slice that lists each pod (by uid)."""
    votes: dict[str, dict[str, int]] = {}
    pods: dict[str, str] = {}
    for slice_ in live:
        name = slice_["metadata"]["name"]
        for endpoint in slice_.get("endpoints") or ():
            unit = where.unit.get(endpoint.get("nodeName") or "", "")
            counts = votes.setdefault(unit, {})
            counts[name] = counts.get(name, 0) + 1
            pods.setdefault((endpoint.get("targetRef") or {}).get("uid") or "", name)
    return {unit: min(counts, key=lambda name: (-counts[name], name)) for unit, counts in votes.items()}, pods


def _room(loads: Mapping[str, Sequence[Endpoint]], size: int) -> str | None:
    """The fullest slice that takes so many newcomers, or None."""
    fit = [name for name, load in loads.items() if len(load) + size <= FILL]
    return min(fit, key=lambda name: (-len(loads[name]), name), default=None)
