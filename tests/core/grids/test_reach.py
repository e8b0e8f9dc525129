"""Which NodeUnits a change of a grid is about."""

from typing import Any

import pytest

from sgportal.core.grids.reach import units_alone
from sgportal.core.names import PAUSED, PAUSED_UNITS, RESTARTED_UNITS


def grid(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "g", "annotations": annotations or {}}, "spec": {"gridUniqKey": "site", **spec}}


def entry(*units: str, image: str = "a:1") -> dict[str, Any]:
    return {"units": list(units), "image": image}


SELECTED = {"unitSelector": {"matchLabels": {"tier": "big"}}, "image": "a:9"}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (grid(), grid(overrides=[entry("lyon")]), {"lyon"}),
        (grid(overrides=[entry("lyon", "oslo")]), grid(overrides=[entry("oslo")]), {"lyon"}),
        # As `set image` does: what is said of another unit moves to the end, which says nothing new of it.
        (grid(overrides=[entry("lyon"), entry("oslo", image="b:1")]),
         grid(overrides=[entry("oslo", image="b:1"), entry("lyon", "rome")]), {"rome"}),
        (grid(templates={"lyon": "big"}), grid(templates={"lyon": "small", "oslo": "big"}), {"lyon", "oslo"}),
        (grid({PAUSED_UNITS: "a"}), grid({PAUSED_UNITS: "a,b"}), {"b"}),
        (grid(), grid({RESTARTED_UNITS: '{"a": "now"}'}, overrides=[entry("b")]), {"a", "b"}),
        # Past an entry for units by their labels, the order counts: what stands last is used.
        (grid(overrides=[entry("lyon"), SELECTED]), grid(overrides=[SELECTED, entry("lyon")]), {"lyon"}),
        (grid(overrides=[entry("lyon")]), grid(overrides=[entry("lyon"), SELECTED]), set()),
        (grid(), grid({PAUSED: "true"}), set()),
        (grid(), grid(template={}, overrides=[entry("lyon")]), set()),
        (grid(templatePool={}), grid(templates={"lyon": "big"}, templatePool={"big": {}}), set()),
        (None, grid(overrides=[entry("lyon")]), set()),
        (grid(), grid(), set()),
    ],
)  # fmt: skip
def test_a_change_is_about_the_units_that_it_names(before: Any, after: Any, units: set[str]) -> None:
    assert units_alone(before, after) == units
