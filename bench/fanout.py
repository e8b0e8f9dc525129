"""One grid over two hundred NodeUnits, against the same number of bare concurrent creates by the same client."""

import copy
import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import stage

UNITS = 200
ROUNDS = 3


def run() -> dict[str, Any]:
    """`{grid, bare, ratio}`: medians in milliseconds of rounds that alternate."""
    with stage.stage(f"large:{UNITS}x{UNITS}"), stage.portal(worker=False):
        times: dict[str, list[float]] = {"grid": [], "bare": []}
        for number in range(ROUNDS):
            times["grid"].append(_grid(f"grid{number}"))
            times["bare"].append(_bare(f"grid{number}", f"bare{number}"))
        medians = {name: statistics.median(each) for name, each in times.items()}
        return {**medians, "ratio": medians["grid"] / medians["bare"], "units": UNITS}


def _grid(name: str) -> float:
    """Save a grid and have it reconciled, children and status; no worker is running, so nothing is left to chance."""
    from sgportal.reconciler.reconcile import run as reconcile

    stage.save(stage.grid(name))
    taken = stage.milliseconds(lambda: reconcile(f"deploymentgrids/default/{name}"))
    if len(stage.deployments(f"{name}-")) != UNITS:
        raise RuntimeError(f"{name} has not all of its children")
    return taken


def _bare(like: str, name: str) -> float:
    """Create as many Deployments of the same size, as fast as the client can."""
    from django.conf import settings

    from sgportal.models import Child
    from sgportal.reconciler.access import cluster

    bodies = []
    stage.wait(lambda: Child.objects.filter(grid_name=like).count() == UNITS, 60, "the watch has seen the children")
    for child in Child.objects.filter(grid_name=like):
        metadata = child.body["metadata"]
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": metadata["name"].replace(like, name, 1),
                "namespace": "default",
                "labels": {"bare": name, **{key: value for key, value in metadata["labels"].items() if "/" not in key}},
            },
            "spec": copy.deepcopy(child.body["spec"]),
        }
        bodies.append(body)

    def create_all() -> None:
        with ThreadPoolExecutor(settings.SGPORTAL_CLUSTER_THREADS) as pool:
            list(pool.map(lambda body: cluster().apply(body), bodies))

    taken = stage.milliseconds(create_all)
    seen = Child.objects.filter(name__startswith=f"{name}-")
    stage.wait(lambda: seen.count() == UNITS, 60, "the watch has seen the bare Deployments")
    return taken
