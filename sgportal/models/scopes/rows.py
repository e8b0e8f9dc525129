"""The one rule that keeps what is out of scope from queries: the manager of every model that names things of a cluster.

A view asks `Grid.objects` as ever, and finds what whoever asks may read; so a new view cannot forget it.
"""

import re
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat, Greatest, Lower, StrIndex, Substr

from ...core.access.scope import Bounds
from ...core.grids.kinds import KINDS
from .clusters import OfCluster, every
from .current import reading

Rule = Callable[[Bounds], Q]
M = TypeVar("M", bound=models.Model)
NO_ROW = Q(pk__in=[])


class Scoped(OfCluster[M]):
    """The rows of the cluster that whoever asks now may read."""

    def get_queryset(self) -> "models.QuerySet[M]":
        """All rows in scope."""
        rows, scope = super().get_queryset(), reading()
        if scope.is_all:
            return rows
        wanted = [RULES[self.model.__name__](bounds) for bounds in scope.bounds]
        # An empty Q, which stands for every row, is dropped by `|`.
        return rows if Q() in wanted else rows.filter(reduce(or_, wanted, NO_ROW))


def table(rows: "models.QuerySet[Any]", prefix: str) -> tuple[str, dict[str, Any]]:
    """Rows for the FROM of a statement of our own, and its parameters, whose names begin with `prefix`."""
    try:
        text, values = rows.order_by().query.sql_with_params()
    except EmptyResultSet:
        text, values = rows.model._base_manager.filter(pk=-1).values(*rows.query.values_select).query.sql_with_params()
    names = [f"{prefix}{number}" for number in range(len(values))]
    left = iter(names)
    named = re.sub(r"%s|%%", lambda found: f"%({next(left)})s" if found[0] == "%s" else "%%", text)
    return f"({named})", dict(zip(names, values, strict=True))


def _all(model: str) -> "models.QuerySet[Any]":
    return every(apps.get_model("sgportal", model))


def _labels(bounds: Bounds) -> "models.QuerySet[Any]":
    rows = _all("NodeLabel").filter(key=bounds.key).exclude(value="")
    return rows.filter(value__in=bounds.units) if bounds.units else rows


def _child_kinds(bounds: Bounds) -> list[str]:
    return [KINDS[each].child_kind for each in bounds.kinds]


def _of_grid(bounds: Bounds, prefix: str = "", unit: str = "") -> Q:
    """What belongs to a grid in scope; `prefix` leads to the grid, `unit` is the column with the NodeUnit."""
    found = Q()
    if bounds.namespaces:
        found &= Q(**{f"{prefix}namespace__in": bounds.namespaces})
    if bounds.kinds:
        found &= Q(**{f"{prefix}kind__in": bounds.kinds})
    if bounds.key:
        found &= Q(**{f"{prefix}key": bounds.key})
    if bounds.units and unit:
        found &= Q(**{f"{unit}__in": bounds.units})
    return found


def _if_whole(rule: Rule) -> Rule:
    """A rule for what tells of all NodeUnits: nothing where the scope is some of them."""
    return lambda bounds: NO_ROW if bounds.units else rule(bounds)


def _node(bounds: Bounds) -> Q:
    return Q(pk__in=_labels(bounds).values("node")) if bounds.key else Q()


def _label(bounds: Bounds) -> Q:
    return Q(node__in=_labels(bounds).values("node")) if bounds.key else Q()


def _pod(bounds: Bounds) -> Q:
    found = Q(namespace__in=bounds.namespaces) if bounds.namespaces else Q()
    if bounds.kinds:
        found &= Q(child_kind__in=_child_kinds(bounds))
    if bounds.key:
        found &= Q(node__in=_all("Node").filter(pk__in=_labels(bounds).values("node")).values("name"))
    return found


def _of_node(bounds: Bounds) -> Q:
    return Q(node__in=_all("Node").filter(_node(bounds)).values("name")) if bounds.key else Q()


def _unit(bounds: Bounds) -> Q:
    """What nodes of a NodeUnit come to: of another NodeGroup's, nodes out of scope are in it."""
    found = Q(key=bounds.key) if bounds.key else Q()
    return found & Q(unit__in=bounds.units) if bounds.units else found


def _child(bounds: Bounds) -> Q:
    found = Q(namespace__in=bounds.namespaces) if bounds.namespaces else Q()
    if bounds.kinds:
        found &= Q(kind__in=_child_kinds(bounds))
    if bounds.units:
        cells = _all("GridUnit").filter(_of_grid(bounds, "grid__", "name"), grid__namespace=OuterRef("namespace"))
        return found & Q(Exists(cells.filter(child=OuterRef("name"))))
    if bounds.key:
        grids = _all("Grid").filter(key=bounds.key, namespace=OuterRef("namespace"), name=OuterRef("grid_name"))
        return found & Q(Exists(grids))
    return found


def _slice(bounds: Bounds) -> Q:
    if bounds.kinds and "ServiceGrid" not in bounds.kinds:
        return NO_ROW
    found = Q(namespace__in=bounds.namespaces) if bounds.namespaces else Q()
    if bounds.key:
        services = _all("Child").filter(_child(bounds), kind="Service", namespace=OuterRef("namespace"))
        found &= Q(Exists(services.filter(name=OuterRef("service"))))
    return found


def _group(bounds: Bounds) -> Q:
    return NO_ROW if bounds.kinds else _of_grid(bounds)


def _namespace(bounds: Bounds) -> Q:
    return Q(name__in=bounds.namespaces) if bounds.namespaces else Q()


def _path(bounds: Bounds) -> Q:
    """The paths of grids of these kinds in these namespaces."""
    plurals = [KINDS[each].plural for each in bounds.kinds or KINDS]
    if not bounds.kinds and not bounds.namespaces:
        return Q()
    places = [f"{plural}/{namespace}" for plural in plurals for namespace in bounds.namespaces] or plurals
    return reduce(or_, (Q(path__startswith=f"{place}/") for place in places))


def _of_grids(bounds: Bounds, at: str) -> Q:
    """What has the paths of grids in scope. Where that depends on more than a path, nothing that happened, by the
    column `at`, to another grid that had the path before."""
    found = _path(bounds)
    if bounds.key:
        place = Substr(OuterRef("path"), StrIndex(OuterRef("path"), Value("/")) + 1)
        slash = StrIndex(place, Value("/"))
        namespace = Substr(place, 1, Greatest(slash - 1, Value(0)))  # PostgreSQL refuses a negative length
        indexed = {"kind__in": bounds.kinds or list(KINDS), "namespace": namespace}
        named = _all("Grid").filter(**indexed, name=Substr(place, slash + 1)).filter(_of_grid(bounds))
        path = Concat(Lower("kind"), Value("s/"), "namespace", Value("/"), "name")
        found &= Q(Exists(named.annotate(path_=path).filter(path_=OuterRef("path"), created_at__lte=OuterRef(at))))
    return found


def _event(bounds: Bounds) -> Q:
    found = _of_grids(bounds, "first_at")
    return found & Q(unit__in=bounds.units) if bounds.units else found


def _approval(bounds: Bounds) -> Q:
    """What somebody wants to do to grids and packages in scope; nodes and decisions are in no limited one."""
    path = Concat(Value("servicegroups/"), "namespace", Value("/"), "name")
    packages = _all("ServiceGroup").filter(_group(bounds)).annotate(path_=path)
    return _of_grids(bounds, "asked_at") | Q(path__in=packages.values("path_"))


def _change(bounds: Bounds) -> Q:
    """What was done to grids in scope. What concerns people is in no limited scope."""
    found = _of_grids(bounds, "at") & Q(kind="change")
    return found & _of_key("before", bounds.key) & _of_key("after", bounds.key) if bounds.key else found


def _of_key(column: str, key: str) -> Q:
    """Where a column has the spec of a grid, it is one for this NodeGroup: the grid may have had another once."""
    field = f"{column}__spec__gridUniqKey"
    return Q(**{field: key}) | Q(**{f"{field}__isnull": True})


def _revision(bounds: Bounds) -> Q:
    return _path(bounds) & (Q(spec__gridUniqKey=bounds.key) if bounds.key else Q())


def _stays(bounds: Bounds) -> "models.QuerySet[Any]":
    """When the node of a row was in which NodeUnit in scope."""
    rows = _all("LabelHistory").filter(key=bounds.key, node=OuterRef("node")).exclude(value="")
    return rows.filter(value__in=bounds.units) if bounds.units else rows


def in_scope_when(field: str, *, ended: bool = False) -> Q:
    """The rows of nodes that were in scope at the time in a field; with `ended` those that were until then."""
    if any(not each.key for each in reading().bounds):
        return Q()
    began, over = ("since__lt", "until__gte") if ended else ("since__lte", "until__gt")
    then = Q(**{began: OuterRef(field)}) & (Q(until=None) | Q(**{over: OuterRef(field)}))
    return reduce(or_, (Q(Exists(_stays(each).filter(then))) for each in reading().bounds), NO_ROW)


def _overlapping(bounds: Bounds) -> Q:
    """What a node was while it was, at least for a part of that time, in a NodeUnit in scope."""
    if not bounds.key:
        return Q()
    inside = _stays(bounds)
    began = inside.filter(Q(until=None) | Q(until__gt=OuterRef("since")))
    return Q(until=None) & Q(Exists(began)) | Q(Exists(began.filter(since__lt=OuterRef("until"))))


RULES: dict[str, Rule] = {
    "Approval": _if_whole(_approval),
    "AuditEvent": _if_whole(_change),
    "AuditedUnit": lambda _: NO_ROW,
    "CellHistory": lambda bounds: _of_grid(bounds, "", "unit"),
    "CellUsage": lambda bounds: _of_grid(bounds, "", "unit"),
    "Child": _child,
    "ChildDeletion": lambda bounds: _of_grid(bounds, "grid__", "unit"),
    "Grid": _of_grid,
    "GridEvent": _event,
    "GridUnit": lambda bounds: _of_grid(bounds, "grid__", "name"),
    "LabelHistory": _overlapping,
    "LabelJob": lambda _: NO_ROW,
    "Namespace": _namespace,
    "Node": _node,
    "NodeHistory": _overlapping,
    "NodeLabel": _label,
    "NodeUsage": _of_node,
    "Pod": _pod,
    "PodUsage": _pod,
    "PackageRevision": _if_whole(_group),
    "RememberedLabel": lambda _: NO_ROW,
    "Revision": _if_whole(_revision),
    "Rollout": _if_whole(lambda bounds: _of_grid(bounds, "grid__")),
    "RolloutUnit": _if_whole(lambda bounds: _of_grid(bounds, "rollout__grid__")),
    "ServiceGroup": _if_whole(_group),
    "Slice": _if_whole(_slice),
    "UnitUsage": _unit,
}
