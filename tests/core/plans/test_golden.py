"""Golden plans: each folder of tests/golden is a grid, a world, and the plan they lead to.

`UPDATE_GOLDEN=1` rewrites the plans; the change is then read in review.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from sgportal.core.grids.grid import parse
from sgportal.core.ownership.identity import Owner
from sgportal.core.plans.plan import World, plan

CASES = sorted((Path(__file__).parents[2] / "golden").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan(case):
    grid = parse(yaml.safe_load((case / "grid.yaml").read_text()))
    given = yaml.safe_load((case / "world.yaml").read_text())
    world = World(
        given["units"],
        given.get("live") or [],
        Owner("grid-uid", True),
        given.get("now", 0.0),
        **given.get("more") or {},
    )
    made = plan(grid, world)
    shown = {
        "steps": [
            {
                "verb": step.verb,
                "name": step.name,
                "reason": str(step.reason),
                "changes": [{"path": c.path, "old": c.old, "new": c.new} for c in step.changes],
            }
            for step in made.steps
        ],
        "findings": [
            {"unit": each.unit, "reason": each.reason, "message": str(each.sentence)} for each in made.findings
        ],
    }
    target = case / "plan.yaml"
    text = yaml.safe_dump(json.loads(json.dumps(shown)), sort_keys=False, allow_unicode=True, width=110)
    if os.environ.get("UPDATE_GOLDEN"):
        target.write_text(text)
    assert text == target.read_text()
