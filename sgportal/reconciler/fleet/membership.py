"""Which ServiceGroup a grid belongs to, that it is edited in the portal, and in which NodeUnits it is at home stands on
its custom resource too: a portal whose database is lost finds it again when it adopts the grid."""

from collections.abc import Mapping
from typing import Any

from ...cluster import MERGE_PATCH, Cluster
from ...core.grids.group import KIND
from ...core.health import severity
from ...core.names import HOME, MAX_LABEL, SERVICEGROUP, object_name_problem
from ...core.overrides.joining import join_policy_of
from ...core.plans.quarantine import NOT_APPROVED, NOT_READY
from ...models import Grid, GridUnit, ServiceGroup


def marked(grid: Grid) -> dict[str, Any]:
    """The grid as a person writes it, with the annotations that say so."""
    source = grid.source()
    metadata = source["metadata"]
    marks = {key: value for key, value in _marks(grid).items() if value}
    return {**source, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **marks}}}


def write(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> Mapping[str, Any]:
    """Make the annotations of the custom resource agree with the row; nothing is written where they do. The resource
    afterwards. Raises ClusterError, Conflict where it is another object by now."""
    if not is_written(grid, body):
        patch = {"metadata": {"uid": body["metadata"]["uid"], "annotations": _marks(grid)}}
        return cluster.patch(grid.kind, grid.namespace, grid.name, patch, MERGE_PATCH)
    return body


def is_written(grid: Grid, body: Mapping[str, Any]) -> bool:
    """Whether the annotations of the custom resource agree with the row."""
    have = body["metadata"].get("annotations") or {}
    return all(have.get(key) == value for key, value in _marks(grid).items())


def is_copy(grid: Grid, body: Mapping[str, Any], cluster: Cluster) -> bool:
    """Whether a custom resource that is adopted has the mark of a ServiceGroup that does not name it: somebody applied
    a member under another name, with its annotations. Raises ClusterError."""
    name = (body["metadata"].get("annotations") or {}).get(SERVICEGROUP) or ""
    if object_name_problem(name, MAX_LABEL) or not cluster.serves(KIND):
        return False
    package = cluster.get(KIND, grid.namespace, name)
    if package is None or package["metadata"].get("deletionTimestamp"):
        return False
    members = package["spec"].get("grids") or ()
    return (grid.kind, grid.name) not in {(each.get("kind"), each["metadata"].get("name")) for each in members}


def read_back(grid: Grid, body: Mapping[str, Any]) -> None:
    """Take home and ServiceGroup from a custom resource that is adopted and no copy (`is_copy`); the row is not saved.
    A group is made anew with the key of its first grid; one of another key, or a name that no group can have, is passed
    over."""
    annotations = body["metadata"].get("annotations") or {}
    if annotations.get(HOME) == Grid.Home.PORTAL:
        grid.home = Grid.Home.PORTAL
    name = annotations.get(SERVICEGROUP) or ""
    if grid.key and name and not object_name_problem(name, MAX_LABEL):
        group, _ = ServiceGroup.objects.get_or_create(namespace=grid.namespace, name=name, defaults={"key": grid.key})
        grid.group = group if group.key == grid.key else None


def joined_before(grid: Grid, body: Mapping[str, Any]) -> None:
    """Note the NodeUnits of a custom resource that is adopted, as far as its status lists them, that did not wait there
    to join: where one has no workload just now, nobody is asked about it once more."""
    if join_policy_of(grid.spec) == "immediate":
        return
    told = (body.get("status") or {}).get("units") or []
    names = {each["name"] for each in told if each.get("reason") not in (NOT_READY, NOT_APPROVED)}
    fresh = {"state": "Progressing", "severity": severity("Progressing"), "reason": "NotObserved", "joined": True}
    rows = [GridUnit(grid=grid, name=name, **fresh) for name in sorted(names)]
    GridUnit.objects.bulk_create(rows, ignore_conflicts=True)


def _marks(grid: Grid) -> dict[str, str | None]:
    home = Grid.Home.PORTAL.value if grid.home == Grid.Home.PORTAL else None
    return {HOME: home, SERVICEGROUP: grid.group.name if grid.group else None}
