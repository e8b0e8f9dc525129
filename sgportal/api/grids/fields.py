"""Which parts of a manifest a caller wants of each grid of a list."""

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.schema import unknown_field
from ...core.text import Invalid, Problem, first_of, say
from ...models import Grid
from ..description.operations import Parameter
from .serializers import GridStatusSerializer

FIELDS = Parameter(
    "fields",
    "Only these parts of each grid, parted by commas, such as `metadata.name,status.conditions`. Where left out: "
    "everything but `status.states` and `status.units`, which have an entry for each NodeUnit; `status` asks for them, "
    "too.",
)
_PER_UNIT = ("states", "units")
STATUS = {
    *GridStatusSerializer._declared_fields,
    *("readyUnits", "totalUnits", "unusedTemplates", "closure", "nodes", "foreignSlices", "frontServices"),
    *("truncated", "omittedUnits", "unitsByState"),
}
_METADATA = (
    "annotations",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
)
# What there is below each part of a manifest; None: whatever a spec may hold.
KNOWN: Mapping[str, Iterable[str] | None] = {
    "apiVersion": (),
    "kind": (),
    "metadata": _METADATA,
    "spec": None,
    "status": sorted(STATUS),
}
_COLUMNS = {"metadata": "metadata", "spec": "spec", "status": "status"}
Tree = dict[str, Any]  # the names of each level; an empty one stands for all below it


def read_fields(text: str) -> Tree:
    """The parts that the parameter names; nothing where all are wanted. Raises Invalid."""
    paths = [each.strip().split(".") for each in text.split(",")] if text.strip() else []
    problems = first_of(problem for path in paths for problem in _problems(path))
    if problems:
        raise Invalid(*problems)
    tree: Tree = {}
    whole: list[Tree] = []  # a level that is wanted whole stays so, whatever is named below it
    for path in sorted(paths, key=len):
        level = tree
        for name in path:
            if any(level is each for each in whole):
                break
            level = level.setdefault(name, {})
        else:
            whole.append(level)
    return tree


def _problems(path: list[str]) -> Iterable[Problem]:
    where = "/fields"
    if not all(path):
        yield Problem(where, say("must be names of fields parted by commas, with dots between the levels"))
    elif path[0] not in KNOWN:
        yield Problem(where, unknown_field(path[0], dict.fromkeys(KNOWN), "").sentence)
    else:
        below = KNOWN[path[0]]
        if below is not None and len(path) > 1 and path[1] not in below:
            yield Problem(where, unknown_field(path[1], dict.fromkeys(below), "").sentence)


def unread(tree: Tree) -> list[str]:
    """The columns of a grid that nothing is wanted of."""
    return [column for name, column in _COLUMNS.items() if tree and name not in tree]


def without(row: Grid, columns: Iterable[str]) -> Grid:
    """The row with nothing in columns that were not read, so that nobody reads them one by one."""
    for column in columns:
        setattr(row, column, {})
    return row


def listed(manifest: dict[str, Any], tree: Tree) -> dict[str, Any]:
    """A grid as a list shows it: the parts that are named, or all but what has an entry for each NodeUnit."""
    if tree:
        found: dict[str, Any] = chosen(manifest, tree)
        return found
    status = {name: part for name, part in manifest["status"].items() if name not in _PER_UNIT}
    return {**manifest, "status": status}


def chosen(document: Any, tree: Tree) -> Any:
    """The parts of a document that are named; all of it where none is."""
    if not tree or not isinstance(document, Mapping):
        return document
    return {name: chosen(document[name], below) for name, below in tree.items() if name in document}
