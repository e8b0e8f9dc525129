"""Which NodeUnits the selectors of scopes take now, by the labels of their nodes as last seen."""

from collections.abc import Collection

from django.apps import apps

from ...core.access.scope import Bounds, Scope
from ...core.units import NodeView, units_of
from .clusters import every


def settle(scope: Scope) -> Scope:
    """A scope that says by name which NodeUnits are in it. One query where it has selectors, else none."""
    return settle_each([scope])[scope]


def settle_each(scopes: Collection[Scope]) -> dict[Scope, Scope]:
    """The same of several; one query for all of them."""
    choosing = {bounds for scope in scopes for bounds in scope.bounds if bounds.selector}
    if not choosing:
        return {scope: scope for scope in scopes}
    nodes = _nodes({each.key for each in choosing} | {part.key for each in choosing for part in each.selector})
    by_key = {key: units_of(nodes, key).values() for key in {each.key for each in choosing}}
    settled: dict[Bounds, Bounds] = {each: each.settled(by_key[each.key]) for each in choosing}
    return {scope: Scope(tuple(settled.get(each, each) for each in scope.bounds)) for scope in scopes}


def _nodes(keys: Collection[str]) -> list[NodeView]:
    """All nodes, with these of their labels."""
    labels: dict[int, dict[str, str]] = {}
    rows = every(apps.get_model("sgportal", "NodeLabel")).filter(key__in=keys).order_by()
    for node, key, value in rows.values_list("node", "key", "value"):
        labels.setdefault(node, {})[key] = value
    return [NodeView(str(node), each) for node, each in labels.items()]
