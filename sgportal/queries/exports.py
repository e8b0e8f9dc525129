"""What grids run, as plain manifests, by what was last seen."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from ..core.documents import write_document
from ..core.exports.plain import loses, plain
from ..core.text import Invalid, Sentence, say
from ..models.intent import Grid
from .plans import plan_of


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
    """Grid by grid, in their order."""
    for grid in grids:
        yield _exported(grid)


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


def _exported(grid: Grid) -> Exported:
    try:
        planned = plan_of(grid)
    except Invalid as invalid:
        first = invalid.problems[0]
        text = say("is not valid, and not exported: %(field)s %(why)s", field=first.pointer, why=first.sentence)
        return Exported((), (Remark(grid.path, "", text),))
    without = [Remark(grid.path, each.unit, each.sentence) for each in planned.findings]
    bodies: list[Mapping[str, Any]] = [child.body for child in planned.wanted]
    losing = [Remark(grid.path, "", text) for body in bodies if (text := loses(body))]
    return Exported(tuple(plain(body) for body in bodies), (*without, *losing))
