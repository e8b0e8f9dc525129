"""Which doors a state has: the remedies of core/status/remedies for a grid as it is stored."""

from collections.abc import Iterable, Mapping

from ..core.grids.grid import GridSpec, parse
from ..core.status.remedies import NEEDS_NODES, REMEDIES, Action, Remedy
from ..core.text import Invalid
from ..models import Grid
from ..models.cache import NodeLabel

MOST = 5  # workloads behind one Service that are offered
MOST_SHOWN = 50  # units of a grid whose remedies are listed


def remedies(
    grid: Grid, found: Iterable[tuple[str, str]], *, examples: bool = False
) -> Mapping[tuple[str, str], tuple[Remedy, ...]]:
    """What can be done about each (code, NodeUnit) of a grid that anything can be done about; with `examples` each
    NodeUnit stands for all of the grid with its code. Two queries at most."""
    known = [(code, unit) for code, unit in dict.fromkeys(found) if code in REMEDIES]
    known = _with_nodes(grid, known, examples)
    behind = _workloads(grid) if any("replicas" in REMEDIES[code] for code, _ in known) else []
    return {(code, unit): tuple(_all(grid, REMEDIES[code], unit, behind)) for code, unit in known}


def _with_nodes(grid: Grid, known: list[tuple[str, str]], examples: bool) -> list[tuple[str, str]]:
    """Those without what more replicas would cure, if there were a node for them."""
    asked = [unit for code, unit in known if code in NEEDS_NODES]
    if not asked:
        return known
    units = grid.units.filter(reason__in=NEEDS_NODES).values("name") if examples else asked
    ready = NodeLabel.objects.filter(key=grid.key, node__ready="Ready", value__in=units)
    able = {*asked} if examples and ready.exists() else {*ready.values_list("value", flat=True)}
    return [(code, unit) for code, unit in known if code not in NEEDS_NODES or unit in able]


def remedies_of(grid: Grid) -> list[tuple[str, Remedy]]:
    """What can be done about a grid, each with the reason it answers: of its first units about which anything can be
    done (“” is a ServiceGrid's one Service). No query for a grid that is Ready."""
    if grid.state == "Ready" or grid.deleting_since:
        return []
    rows = grid.units.filter(reason__in=REMEDIES).order_by("name").values_list("reason", "name")
    return [(code, each) for (code, _), several in remedies(grid, rows[:MOST_SHOWN]).items() for each in several]


def _all(grid: Grid, actions: Iterable[Action], unit: str, behind: Iterable[str]) -> Iterable[Remedy]:
    for action in actions:
        if action == "replicas":
            yield from (Remedy(action, path, unit, grid.key) for path in behind)
        else:
            yield Remedy(action, "" if action in ("label", "zone") else grid.path, unit, grid.key)


def _workloads(grid: Grid) -> list[str]:
    """The paths of the grids whose pods a ServiceGrid's Service selects."""
    selector = (grid.source()["spec"].get("template") or {}).get("selector") or {}
    others = Grid.objects.filter(namespace=grid.namespace, key=grid.key).exclude(kind="ServiceGrid")
    return [each.path for each in others.order_by("kind", "name") if selector and _selected(each, selector)][:MOST]


def _selected(grid: Grid, selector: Mapping[str, str]) -> bool:
    try:
        spec = parse(grid.source())
    except Invalid:
        return False
    return any(selector.items() <= labels.items() for labels in _pod_labels(spec))


def _pod_labels(spec: GridSpec) -> Iterable[Mapping[str, str]]:
    for template in (spec.template, *spec.pool.values()):
        if template:
            yield ((template.get("template") or {}).get("metadata") or {}).get("labels") or {}
