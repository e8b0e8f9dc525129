"""From one list of blocks to another: which are gone, which are new, which say something else, which moved."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Blocks = Mapping[str, str]  # HTML of one element each, by what it is about, in the order of the page


@dataclass(frozen=True, slots=True)
class Change:
    """A block as it is now: its place in the old list (None: it is new), and after which it stands where it has to be
    put: the place of that one in the old list, FIRST, or PREVIOUS for the block of the change before this one; None
    where it is in its place already."""

    old: int | None
    after: int | str | None
    html: str


FIRST, PREVIOUS = "first", "previous"


def changes(old: Blocks, new: Blocks) -> tuple[list[int], list[Change]]:
    """The places in `old` of what is gone, and what else is to be done, in this order, to come from `old` to `new`.

    As few blocks as possible are moved: the longest run of them that stand in the same order stays."""
    places = {key: place for place, key in enumerate(old)}
    gone = [place for key, place in places.items() if key not in new]
    stays = _longest_run([places[key] for key in new if key in places])
    found: list[Change] = []
    before: int | str = FIRST
    for key, html in new.items():
        place = places.get(key)
        if place is None or place not in stays:
            found.append(Change(place, before, html))
        elif old[key] != html:
            found.append(Change(place, None, html))
        before = PREVIOUS if place is None else place
    return gone, found


def _longest_run(places: Sequence[int]) -> set[int]:
    """The longest increasing subsequence, by patience sorting."""
    tops: list[int] = []  # the least last element of an increasing run of each length
    under: dict[int, int] = {}
    for place in places:
        pile = bisect_left(tops, place)
        if pile:
            under[place] = tops[pile - 1]
        tops[pile : pile + 1] = [place]
    run, at = set(), tops[-1] if tops else None
    while at is not None:
        run.add(at)
        at = under.get(at)
    return run
