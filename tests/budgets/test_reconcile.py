"""What a reconcile costs, for each kind: with nothing to do, and where it creates, updates or deletes children."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from sgportal.actions import save_grids
from sgportal.core.grids.kinds import KINDS
from sgportal.models import DueCell, Grid, GridUnit, ResourceSync, WorkKey
from sgportal.reconciler.cache import refresh
from sgportal.reconciler.grids.status import publish
from sgportal.reconciler.queue import due_cells, workqueue
from sgportal.reconciler.queue.due_cells import Cell
from sgportal.reconciler.worker import run
from tests.api.builders import manifest
from tests.reconciler.services.test_keeper import a_keeper
from tests.reconciler.world import ADA

from .counting import QUEUE, listed, statements

CELLS = "cells/site"


@dataclass
class Cost:
    """What one task cost: statements of its own and of the queue's, requests to the API server by method and plural."""

    sql: list[str]
    requests: Counter[tuple[str, str]]

    @property
    def own(self) -> list[str]:
        return [each for each in self.sql if QUEUE not in each]

    def counts(self) -> dict[str, int]:
        own = len(self.own)
        return {"sql": own, "queue": len(self.sql) - own, "requests": self.requests.total()}

    def __str__(self) -> str:
        asked = "\n".join(f"  {count} × {method} {what}" for (method, what), count in self.requests.items())
        return f"{listed(self.sql)}\n{asked}"


def look(world) -> None:
    """As the watch would: bring the rows up to date."""
    world.look()
    refresh.relist("endpointslices", world.cluster)
    ResourceSync.objects.update(synced_at=timezone.now())


def calm(world, grid: Grid) -> None:
    """Go on until everything is Ready and says the same twice, with a keeper for what is left to it; it rests while we
    count."""
    seen: list[Any] = []

    def ready() -> bool:
        look(world)
        world.resync()
        grid.refresh_from_db()
        seen.append(sorted(GridUnit.objects.values_list("grid", "name", "state", "message", "child_status"), key=str))
        return grid.state == "Ready" and seen[-2:-1] == seen[-1:]

    with a_keeper(world.cluster):
        world.until(ready)
    look(world)
    world.settle()


def cost(world, grid: Grid) -> Cost:
    """Of one task that makes the grid right."""
    return cost_of_key(world, grid.path)


def cost_of_key(world, key: str) -> Cost:
    """Of one task, where no status waits to be published: how long one rests depends on the machine, and what asks for
    one that waits already costs less."""
    WorkKey.objects.filter(key__startswith=f"{publish.KIND}/").update(done=F("requested"))
    workqueue.enqueue([key], urgent=True)
    world.server.reset_counts()
    with statements() as sql:
        run(key)
    return Cost(list(sql), Counter(world.server.requests))


def save(body: dict[str, Any]) -> Grid:
    """Store a grid; nothing is done about it yet."""
    return save_grids([body], ADA, ask=False)[-1].grid


def body_of(kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"gridUniqKey": "site"}
    found = manifest("echo", kind, **spec)
    if kind != "ServiceGrid":
        found["spec"]["template"]["replicas"] = 1
    return found


def changed(body: dict[str, Any]) -> dict[str, Any]:
    """The same grid after an edit that every child shares."""
    body["metadata"]["labels"] = {"team": "shop"}
    template = body["spec"]["template"]
    if body["kind"] == "ServiceGrid":
        template["ports"][0]["port"] += 1
    else:
        template["template"]["spec"]["containers"][0]["image"] = "registry.example/echo:2"
    return body


def costs_of(world, kind: str, settings) -> dict[str, Cost]:
    """What each kind of task for a grid costs."""
    if kind == "ServiceGrid":
        calm(world, save(body_of("DeploymentGrid")))
    found = {}
    grid = save(body_of(kind))
    found["creates"] = cost(world, grid)
    calm(world, grid)
    found["nothing to do"] = cost(world, grid)
    grid = save(changed(body_of(kind)))
    found["updates"] = cost(world, grid)
    calm(world, grid)
    if kind != "ServiceGrid":
        settings.SGPORTAL_ORPHAN_GRACE_SECONDS = 0
        world.label("edge-00000", site=None)
        found["a NodeUnit goes"] = cost(world, grid)
    return found


MOST = {"DeploymentGrid": 8, "StatefulSetGrid": 8, "ServiceGrid": 11}  # statements of a reconcile with nothing to do


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", KINDS)
def test_a_reconcile_costs_what_the_file_says(world, kind, units, budgets, settings):
    costs = costs_of(world, kind, settings)
    found = {name: each.counts() for name, each in costs.items()}
    evidence = {name: str(each) for name, each in costs.items()}
    idle = found["nothing to do"]
    assert idle["requests"] <= 2, evidence["nothing to do"]
    assert idle["sql"] <= MOST[kind], evidence["nothing to do"]
    budgets.hold(f"{kind}, {units} NodeUnits", found, evidence)


def are_quiet(world, unit: str) -> bool:
    """Whether a unit's cells are Ready, and nothing has happened since the last time."""
    look(world)
    happened = DueCell.objects.exists()
    world.settle()
    return not happened and set(GridUnit.objects.filter(name=unit).values_list("state", flat=True)) == {"Ready"}


@pytest.mark.timeout(300)
def test_a_new_node_unit_costs_what_the_file_says(world, units, budgets):
    grids = [save({**body_of("DeploymentGrid"), "metadata": {"name": name, "namespace": "default"}}) for name in "ab"]
    for grid in grids:
        calm(world, grid)
    costs = {"nothing is new": cost_of_key(world, CELLS)}
    world.settle()
    world.label("edge-00000", site="new")
    costs["two grids get one"] = cost_of_key(world, CELLS)
    assert {"a-new", "b-new"} <= set(world.names())
    world.until(lambda: are_quiet(world, "new"))
    due_cells.add([Cell("site", grids[0].pk, "new")])
    costs["a cell is as it should be"] = cost_of_key(world, CELLS)
    found = {name: each.counts() for name, each in costs.items()}
    budgets.hold(f"a new NodeUnit, {units} NodeUnits", found, {name: str(each) for name, each in costs.items()})
