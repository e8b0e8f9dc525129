"""Which NodeUnits a change of a grid is about."""

from typing import Any

import pytest

from sgportal.core.fleet.activity import told
from sgportal.core.grids.reach import units_alone
from sgportal.core.names import PAUSED, PAUSED_UNITS, RESTARTED_UNITS
from sgportal.core.overrides.requests import requests_of


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


ODD = ("x", 5, True, ["x"], [5], [["a"]], {"a": 1}, {"a": {"b": 1}}, None, [None], [{"units": "lyon"}],
       [{"units": [5, "a"]}], [{"units": [{"a": 1}]}], [{"units": 5}], {"x" * 64: "big"})  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("field", ["overrides", "templates", "template", "rollout"])
def test_what_kubectl_wrote_that_is_no_valid_grid_is_told_of_and_is_about_no_name_too_long(
    field: str, odd: object
) -> None:
    for before, after in ((grid(), grid(**{field: odd})), (grid(**{field: odd}), grid())):
        assert all(len(each) <= 63 for each in units_alone(before, after))
        assert "web" in str(told("change", "deploymentgrids/shop/web", before, after))


@pytest.mark.parametrize("text", ["{", "[1]", "5", "null", ",,", '{"a": 5}', '{"a": {}}'])
def test_an_annotation_that_says_no_times_is_told_of(text: str) -> None:
    odd = grid({RESTARTED_UNITS: text}, overrides=[entry("lyon")])
    for before, after in ((grid(), odd), (odd, grid()), (odd, grid({RESTARTED_UNITS: text}))):
        assert units_alone(before, after) == {"lyon"}
        assert "web" in str(told("change", "deploymentgrids/shop/web", before, after))
    assert not requests_of({RESTARTED_UNITS: text}).restarted_units
