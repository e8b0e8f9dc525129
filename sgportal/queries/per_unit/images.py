"""Which images run, for somebody who chooses another."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...models import Child, Grid

MOST_GRIDS = 1_000  # that are looked at
MOST = 50  # images


def images_now(grid: Grid, unit: str) -> dict[str, list[str]]:
    """The images of each container: as the unit's workload has them, or, without a unit or a workload, as the grid's
    templates do. One statement for a unit."""
    spec = grid.spec
    templates = [spec.get("template"), *(spec.get("templatePool") or {}).values()]
    if unit:
        name = grid.units.filter(name=unit).values("child")[:1]
        children = Child.objects.filter(kind=grid.grid_kind.child_kind, namespace=grid.namespace, name__in=name)
        templates = [body.get("spec") for body in children.values_list("body", flat=True)] or templates
    found: dict[str, list[str]] = {}
    for template in templates:
        pod = ((template or {}).get("template") or {}).get("spec") or {}
        for each in pod.get("containers") or ():
            images = found.setdefault(each.get("name", ""), [])
            if (image := each.get("image")) and image not in images:
                images.append(image)
    return found


def images_of_grids() -> list[tuple[str, int]]:
    """The images in the templates and overrides of the grids in scope, each with the number of grids that name it, the
    most common first. One statement."""
    counted: Counter[str] = Counter()
    for spec in Grid.objects.exclude(kind="ServiceGrid").order_by("pk").values_list("spec", flat=True)[:MOST_GRIDS]:
        counted.update(set(_images(spec)))
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:MOST]


def _images(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name == "image" and isinstance(each, str) and each:
                yield each
            else:
                yield from _images(each)
    elif isinstance(value, list):
        for each in value:
            yield from _images(each)
