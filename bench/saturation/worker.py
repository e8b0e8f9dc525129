"""Workers that create and change the children of grids over many NodeUnits."""

import contextlib
import time
from typing import Any

from .. import stage
from ..pods.watch import seconds_of

SECONDS = 1800


def run(world: str = "large:1000x1000", grids: str = "5", workers: str = "1") -> dict[str, Any]:
    """`{cells, create: {rate, cpu, a_core}, update: {…}}`: cells a second that so many workers bring about, their CPU
    in per cent of a core, and how many cells a second come to one core. A grid's cells are shared by all workers."""
    units, names = int(world.rpartition("x")[2]), [f"grid-{number}" for number in range(int(grids))]
    cells = units * len(names)
    with stage.stage(world), stage.portal("watch"), contextlib.ExitStack() as stack:
        pids = [stack.enter_context(stage.process(stage.command("worker"))) for _ in range(int(workers))]
        return {
            "cells": cells,
            "create": _measure(pids, names, cells, "registry.example/app:1"),
            "update": _measure(pids, names, cells, "registry.example/app:2"),
        }


def _measure(pids: list[int], names: list[str], cells: int, image: str) -> dict[str, float]:
    from sgportal.models import Child

    before, since = sum(map(_spent, pids)), time.monotonic()
    stage.save(*(stage.grid(name, replicas=0, image=image) for name in names))
    done = Child.objects.of_grids().filter(body__spec__template__spec__containers__0__image=image)
    stage.wait(lambda: done.count() == cells, SECONDS, "all children", pause=0.5)
    lasted = time.monotonic() - since
    stage.wait(stage.settled, SECONDS, "quiet again", pause=0.5)
    cpu = sum(map(_spent, pids)) - before
    return {"rate": cells / lasted, "cpu": 100 * cpu / (time.monotonic() - since), "a_core": cells / cpu}


def _spent(pid: int) -> float:
    return sum(map(seconds_of, stage.family(pid)))
