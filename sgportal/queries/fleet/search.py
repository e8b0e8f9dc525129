"""Everything that has a name, found by a part of it: NodeUnits, nodes, grids, pods. Bounded, whatever is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.cache import Node, NodeLabel, Pod
from ...models.intent import Grid
from ..per_unit.pods import with_pages

MOST = 6  # of each kind
SHORTEST = 2  # letters: one would find everything


@dataclass(frozen=True, slots=True)
class Found:
    """What holds a text in its name, at most MOST of each: NodeUnits as (key, name), names of nodes, grids, pods."""

    units: Sequence[tuple[str, str]] = ()
    nodes: Sequence[str] = ()
    grids: Sequence[Grid] = ()
    pods: Sequence[Pod] = ()


def search(text: str) -> Found:
    """What holds this text in its name, upper case or lower. Seven statements; none for less than SHORTEST letters."""
    if len(text) < SHORTEST:
        return Found()
    keys = Grid.objects.exclude(key="").values("key")
    units = NodeLabel.objects.filter(key__in=keys, value__icontains=text).exclude(value="")
    return Found(
        list(units.order_by("key", "value").values_list("key", "value").distinct()[:MOST]),
        list(Node.objects.filter(name__icontains=text).order_by("name").values_list("name", flat=True)[:MOST]),
        list(Grid.objects.briefly().filter(name__icontains=text)[:MOST]),
        with_pages(Pod.objects.filter(name__icontains=text).exclude(node="")[:MOST]),
    )
