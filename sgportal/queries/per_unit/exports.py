"""What grids run, as plain manifests, by what was last seen."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.models import Count, Q, QuerySet

from ...core.documents import write_document
from ...core.exports.plain import loses, plain
from ...core.grids.grid import GridSpec
from ...core.plans.desired import desired
from ...core.text import Invalid, Sentence, say
from ...core.traffic.closure import UNKNOWN, Capabilities
from ...core.units import Unit
from ...models.cache import Child
from ...models.intent import Grid, GridUnit
from ..capabilities import capabilities
from ..endpoints import can_for
from ..plans import spec_of
from .pins import pinned_specs
from .units import known_units

BATCH, MOST_CHILDREN = 500, 2000  # grids, and children of grids, that are read at once; a single grid may have more


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be known of the export of a grid (its path), about one NodeUnit or ("") all."""

    path: str
    unit: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Exported:
    """The manifests of a grid's children, and what is to be known of them."""

    manifests: tuple[dict[str, Any], ...]
    remarks: tuple[Remark, ...]


def exported(grids: Iterable[Grid]) -> Iterator[Exported]:
    """Grid by grid, in their order, so many at once that their children are few enough to be held."""
    for batch in _batches(grids):
        for some in _held(batch):
            seen = _Seen.of(some)
            yield from (_exported(grid, seen) for grid in some)


def as_text(grids: Iterable[Grid], said: Callable[[Sentence], str]) -> Iterator[str]:
    """The same as pieces of a YAML stream, with what is to be known in comments; `said` makes text of a sentence."""
    for each in exported(grids):
        for remark in each.remarks:
            place = f"{remark.path} {remark.unit}".strip()
            yield " ".join(f"# {place}: {said(remark.sentence)}".split()) + "\n"
        for manifest in each.manifests:
            yield "---\n" + write_document(manifest)


def grids_to_export(namespace: str = "") -> "QuerySet[Grid]":
    """All that are not being deleted, or those of a namespace, in order."""
    rows = Grid.objects.filter(deleting_since=None).order_by("namespace", "kind", "name")
    return rows.filter(namespace=namespace) if namespace else rows


@dataclass(slots=True)
class _Seen:
    """What was last seen of some grids: their children by kind, namespace and grid, their remarkable cells by grid."""

    live: Mapping[tuple[str, str, str], list[Mapping[str, Any]]]
    cells: Mapping[int, list[GridUnit]]
    able: Capabilities
    units: dict[tuple[str, bool], dict[str, Unit]] = field(default_factory=dict)

    @classmethod
    def of(cls, grids: list[Grid]) -> "_Seen":
        """Three queries."""
        live: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
        cells: dict[int, list[GridUnit]] = defaultdict(list)
        spaces, names = {grid.namespace for grid in grids}, {grid.name for grid in grids}
        rows = Child.objects.filter(namespace__in=spaces, grid_name__in=names)
        for kind, space, name, body in rows.values_list("kind", "namespace", "grid_name", "body"):
            live[kind, space, name].append(body)
        remarkable = Q(pinned__isnull=False) | Q(assigned__isnull=False)
        for cell in GridUnit.objects.filter(remarkable, grid__in=grids):
            cells[cell.grid_id].append(cell)
        return cls(live, cells, capabilities())

    def known(self, spec: GridSpec) -> dict[str, Unit]:
        """The NodeUnits that a grid is for. One query for each key."""
        mark = (spec.key, spec.asks_of_units)
        if mark not in self.units:
            self.units[mark] = known_units(*mark)
        return spec.its(self.units[mark])


def _batches(grids: Iterable[Grid]) -> Iterator[list[Grid]]:
    left = iter(grids)
    while some := list(islice(left, BATCH)):
        yield some


def _held(grids: list[Grid]) -> Iterator[list[Grid]]:
    """Parts of a batch, of MOST_CHILDREN children or one grid. One query."""
    spaces, names = {grid.namespace for grid in grids}, {grid.name for grid in grids}
    rows = Child.objects.filter(namespace__in=spaces, grid_name__in=names).order_by()
    counted = rows.values_list("namespace", "grid_name").annotate(n=Count("pk"))
    children = {(space, name): number for space, name, number in counted}
    some: list[Grid] = []
    held = 0
    for grid in grids:
        number = children.get((grid.namespace, grid.name), 0)
        if some and held + number > MOST_CHILDREN:
            yield some
            some, held = [], 0
        some.append(grid)
        held += number
    yield some


def _exported(grid: Grid, seen: _Seen) -> Exported:
    try:
        spec = spec_of(grid)
    except Invalid as invalid:
        first = invalid.problems[0]
        text = say("is not valid, and not exported: %(field)s %(why)s", field=first.pointer, why=first.sentence)
        return Exported((), (Remark(grid.path, "", text),))
    units = seen.known(spec)
    live = seen.live[spec.kind.child_kind, grid.namespace, grid.name]
    can = can_for(spec, grid, live, seen.able) if spec.kind.child_kind == "Service" else UNKNOWN
    pinned = pinned_specs(grid, spec, seen.cells[grid.pk], units)
    named = {each["metadata"]["name"]: each for each in live}
    children, findings = desired(spec, units, grid.owner, can, named, units, pinned)
    without = [Remark(grid.path, each.unit, each.sentence) for each in findings]
    losing = [Remark(grid.path, "", lost) for child in children if (lost := loses(child.body))]
    return Exported(tuple(plain(child.body) for child in children), (*without, *losing))
