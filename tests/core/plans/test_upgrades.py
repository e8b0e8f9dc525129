"""What an upgrade of the portal changes in running pods: nothing. What earlier versions made of grids that use every
feature is kept as files, so that a change of the code that would roll pods is seen before anybody has it."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sgportal.core.grids.grid import GridSpec, parse
from sgportal.core.grids.validation import _SERVICE_FIELDS, _workload_fields
from sgportal.core.ownership.identity import Owner
from sgportal.core.plans.plan import Plan, plan
from sgportal.core.plans.world import World
from sgportal.core.traffic.closure import Capabilities
from sgportal.core.units import Unit, units_of

from ..builders import a_node, live_of

FILES = Path(__file__).parents[2] / "data" / "children"
SITES: dict[str, dict[str, str]] = {"hamburg": {"tier": "canary"}, "lyon": {}, "oslo": {}}
EARLIER = ("children", "without-unit-label")


@cache
def manifests() -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all((FILES / "grids.yaml").read_text())}


@cache
def made_by(version: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((FILES / f"{version}.yaml").read_text())
    return found


def units_for(spec: GridSpec) -> dict[str, Unit]:
    nodes = (a_node(f"node-{name}", **{"site": name, "example.com/site": name}, **more) for name, more in SITES.items())
    return spec.its(units_of(nodes, spec.key))


def planned(name: str, live: list[dict[str, Any]]) -> Plan:
    """What is done for a grid where these objects run."""
    spec = parse(manifests()[name])
    units = units_for(spec)
    can = Capabilities(True, None)
    return plan(spec, World(list(units), live, Owner("grid-uid", True), 0.0, known=units, joined=list(units), can=can))


@pytest.mark.parametrize("name", manifests())
def test_the_same_children_are_made_of_a_grid_as_ever(name: str) -> None:
    assert {step.name: step.body for step in planned(name, []).steps} == made_by("children")[name]


@pytest.mark.parametrize(("version", "name"), [(each, name) for each in EARLIER for name in made_by(each)])
def test_what_an_earlier_version_made_is_not_written(version: str, name: str) -> None:
    live = [live_of(body) for body in made_by(version)[name].values()]
    assert live
    assert planned(name, live).steps == ()


def test_the_grids_use_every_field_that_shapes_what_runs() -> None:
    """Whoever adds such a field adds it to a grid of another name here, so that these stay what they were."""
    shape_nothing = {"autoDeleteUnusedTemplate", "deleteAfterSeconds", "ignoreDifferences", "orphanPolicy"}
    for is_service, fields in ((False, _workload_fields("any")), (True, _SERVICE_FIELDS)):
        some = (each for each in manifests().values() if (each["kind"] == "ServiceGrid") == is_service)
        assert fields.keys() - shape_nothing <= {field for each in some for field in each["spec"]}
