"""Which images run, for somebody who chooses another."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ...models import Grid

MOST_GRIDS = 1_000  # that are looked at
MOST = 50  # images


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
