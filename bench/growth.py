"""What one changed pod and one label cost, for grids of ever more units: to the watch, to a worker, to publish it."""

import itertools
import statistics
import time
from typing import Any

from . import stage
from .pods.cluster import Fleet
from .resync import make

SIZES = (100, 1000, 5000)
ROUNDS = 40


def run(*sizes: str) -> dict[str, Any]:
    """`{units: {"pod": {watch, cell, publish}, "label": {…}}}`: medians in ms of CPU of this process, which does the
    work of the watch and the worker for one grid of so many units, on an API server without controllers."""
    return {str(units): _costs(units) for units in map(int, sizes or SIZES)}


def _costs(units: int) -> dict[str, dict[str, float]]:
    with stage.stage(f"api:{units}x{units}"):
        with stage.portal("watch", "worker"):
            make(units, 1)
        pods, labels = _pods(units), _labels(units)
        return {"pod": _medians(pods, stored="pods"), "label": _medians(labels, stored="nodes")}


def _pods(units: int) -> Any:
    """A pod that is ready in one unit after the other, and then is not."""
    fleet = Fleet(units, units, 1, units, 0)
    for number in itertools.count():
        body = fleet.pod(number % 20, ready=number % 40 < 20, version=10_000_000 + number)
        owner = f"calm0-unit-{number % 20:04}-5d4f8c7b9"
        body["metadata"]["ownerReferences"][0]["name"] = owner
        yield body


def _labels(units: int) -> Any:
    """A node that joins a new unit."""
    from sgportal.reconciler.process.connection import cluster

    for number in itertools.count():
        change = {"metadata": {"labels": {"site": f"new-{number:03}"}}}
        name = f"edge-{units - 1 - number % 50:05}"
        yield cluster().patch("Node", "", name, change, "application/merge-patch+json")


def _medians(bodies: Any, stored: str) -> dict[str, float]:
    from django.db import transaction

    from sgportal.reconciler.cache import refresh
    from sgportal.reconciler.cache.enqueue import Changes, enqueue
    from sgportal.reconciler.grids import cell_batch
    from sgportal.reconciler.grids.status import publish
    from sgportal.reconciler.process.connection import cluster

    found: dict[str, list[float]] = {"watch": [], "cell": [], "publish": []}
    for body in itertools.islice(bodies, ROUNDS):
        rows, _ = refresh.BY_RESOURCE[stored].translate([body])

        def watch(rows: Any = rows) -> None:
            changes = Changes()
            with transaction.atomic():
                refresh.write(stored, rows, changes)
                enqueue(changes)

        for what, work in (
            ("watch", watch),
            ("cell", lambda: cell_batch.run("site", cluster())),
            ("publish", lambda: publish.run("site", cluster())),
        ):
            if what == "publish":
                time.sleep(publish.PACE_SECONDS)
            since = time.process_time()
            work()
            found[what].append((time.process_time() - since) * 1000)
    return {what: statistics.median(times) for what, times in found.items()}
