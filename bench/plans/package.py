"""The plan of a ServiceGroup of twenty grids in a thousand units, as its page and REST ask for it: from the rows, with
an order between its members."""

import time
from typing import Any

from .. import rows, stage
from . import grids

NAME = "shop"


def run(units: str = str(grids.UNITS), count: str = str(grids.GRIDS)) -> dict[str, Any]:
    """Seconds of one processor: from nothing (`create`), nothing to do (`same`), a new image everywhere (`update`), and
    the statements of the last."""
    with stage.stage("large:1x1"):
        from sgportal.actions import Actor, save_group
        from sgportal.management.process_memory import freeze
        from sgportal.models import Child, Grid
        from sgportal.queries.plans import plan_for, spec_of

        rows.fill(2 * int(units), int(units), 0, 0)
        _label(int(units))
        actor = Actor("ada", "rest")
        create, _, planned = _timed(package(int(count), "1.0"), actor)
        save_group(package(int(count), "1.0"), actor, ask=False)
        for grid in Grid.objects.all():
            steps = plan_for(spec_of(grid), grid).steps
            rows.store(Child, (_child(grid.pk, step.body, number) for number, step in enumerate(steps)))
        Grid.objects.update(observed_generation=1)
        freeze()  # as every process of the portal does
        same, _, unchanged = _timed(package(int(count), "1.0"), actor)
        update, statements, changed = _timed(package(int(count), "1.1"), actor)
        found = [planned, unchanged, changed]
        if found != [int(units) * int(count), 0, int(units) * int(count)]:
            raise RuntimeError(f"the plans are not those that are meant: {found} steps")
    return {"create": create, "same": same, "update": update, "statements": statements}


def package(count: int, tag: str) -> dict[str, Any]:
    """Twenty grids, each of which waits for the one before."""
    members = [grids.manifest(number, tag) for number in range(count)]
    order = {f"dg/app-{number}": [f"dg/app-{number - 1}"] for number in range(1, count)}
    return {
        "apiVersion": "sgportal.superedge.io/v1",
        "kind": "ServiceGroup",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": {"gridUniqKey": "site", "grids": members, "dependsOn": order},
    }


def _timed(manifest: dict[str, Any], actor: Any) -> tuple[float, int, int]:
    """Seconds, statements and steps of a plan, which is made and given up as within a request."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from sgportal.actions import save_group
    from sgportal.core.plans.preview.binding import plan_id, summary_of
    from sgportal.queries.per_unit.uncollected import uncollected

    began = time.process_time()
    with CaptureQueriesContext(connection) as sent, uncollected():
        saved = save_group(manifest, actor, ask=False, dry_run=True).saved
        for each in saved:
            plan_id(each.plan.steps)
            summary_of(each.plan.steps)
        steps = sum(len(each.plan.steps) for each in saved)
        del saved, each
    return time.process_time() - began, len(sent), steps


def _label(units: int) -> None:
    """Nodes have what the grids' variables and selectors ask of them."""
    from sgportal.models import Node

    found = list(Node.objects.order_by("name"))
    for number, node in enumerate(found):
        node.labels |= {
            "tier": "flagship" if number % units % 10 == 0 else "store",
            "region": f"region-{number % units % 7}",
        }
    Node.objects.bulk_update(found, ["labels"], batch_size=500)


def _child(grid: int, body: Any, number: int) -> Any:
    """A child as the watch stores it."""
    from sgportal.reconciler.cache.translate import child_row

    stored = grids.as_stored(body, number)
    stored["metadata"]["uid"] = f"{grid}-{number}"
    return child_row(stored)
