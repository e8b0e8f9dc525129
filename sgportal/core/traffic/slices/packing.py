"""Which endpoint stands in which slice: a NodeUnit stays together, and where it is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .parts import Entry
from .topology import Places

LIMIT = 125  # endpoints per slice at most
# Newcomers fill a slice up to here; above, a unit may grow. Kubernetes' own controller stops at 100: the difference
# makes up for the slices of sentinels, so that a Service of a thousand endpoints has no more slices than another.
FILL = 115
_Group = tuple[str, Sequence[Entry]]


def pack(
    units: Mapping[str, Sequence[Entry]], live: Sequence[Mapping[str, Any]], where: Places, names: Iterator[str]
) -> dict[str, list[Entry]]:
    """The entries of each slice by its name; `live` are the slices they may stay in, `names` are for new ones.

    Where a slice has become too small, the largest units leave it. A unit of more than LIMIT endpoints spans several
    slices, and goes on to until it has no more than FILL; each of its endpoints stays where it is.
    """
    loads: dict[str, list[_Group]] = {slice_["metadata"]["name"]: [] for slice_ in live}
    sizes = dict.fromkeys(loads, 0)
    homeless: list[_Group] = []
    for home, group in _at_home(units, live, where):
        if home and sizes[home] + len(group[1]) <= LIMIT:
            loads[home].append(group)
            sizes[home] += len(group[1])
        else:
            homeless.append(group)
    for group in homeless:
        name = _room(sizes, len(group[1])) or next(names)
        loads.setdefault(name, []).append(group)
        sizes[name] = sizes.get(name, 0) + len(group[1])
    return {name: _in_order(groups) for name, groups in loads.items() if groups}


def _in_order(groups: Iterable[_Group]) -> list[Entry]:
    def place(group: _Group) -> tuple[str, str, str]:
        first = group[1][0]
        return group[0], first.body["targetRef"]["name"], first.uid

    return [entry for _, entries in sorted(groups, key=place) for entry in entries]


def _at_home(
    units: Mapping[str, Sequence[Entry]], live: Iterable[Mapping[str, Any]], where: Places
) -> Iterator[tuple[str | None, _Group]]:
    """What must stand together, the smallest first, with the slice where it stands now: a unit where most of it is."""
    votes: dict[str, dict[str, int]] = {}
    pods: dict[str, str] = {}
    for slice_ in live:
        name = slice_["metadata"]["name"]
        for endpoint in slice_.get("endpoints") or ():
            counts = votes.setdefault(where.unit.get(endpoint.get("nodeName") or "", ""), {})
            counts[name] = counts.get(name, 0) + 1
            pods[(endpoint.get("targetRef") or {}).get("uid") or ""] = name
    for unit, entries in sorted(units.items(), key=lambda item: len(item[1])):
        counts = votes.get(unit, {})
        if len(entries) <= (FILL if len(counts) > 1 else LIMIT):
            yield min(counts, key=lambda name: (-counts[name], name), default=None), (unit, entries)
        else:
            yield from ((pods.get(entry.uid), (unit, (entry,))) for entry in entries)


def _room(sizes: Mapping[str, int], wanted: int) -> str | None:
    """The fullest slice that takes so many newcomers, or None."""
    fit = [name for name, size in sizes.items() if size + wanted <= FILL]
    return min(fit, key=lambda name: (-sizes[name], name), default=None)
