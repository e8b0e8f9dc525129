"""One grid over many NodeUnits, created and then changed, against the same writes made bare, concurrently, by the same
client: server-side apply of Deployments of the same size."""

import copy
import statistics
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import stage

ROUNDS = 7


def run(world: str) -> dict[str, Any]:
    """`{units, create: {grid, bare, ratio}, update: {…}}`: medians in milliseconds of rounds that alternate. A grid's
    time is from its first look at the cluster until its status is recorded."""
    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal("watch"):
        times: dict[str, dict[str, list[float]]] = {what: {"grid": [], "bare": []} for what in ("create", "update")}
        for number in range(ROUNDS):
            grid, bare = f"grid{number}", f"bare{number}"
            bodies = manifests(bare, units)
            times["create"]["grid"].append(_grid(grid, units, "registry.example/app:1"))
            times["create"]["bare"].append(_bare(bodies, bare))
            times["update"]["grid"].append(_grid(grid, units, "registry.example/app:2"))
            times["update"]["bare"].append(_bare(list(_changed(bodies)), bare))
        return {"units": units, **{what: _medians(each) for what, each in times.items()}}


def _medians(times: dict[str, list[float]]) -> dict[str, float]:
    medians = {name: statistics.median(each) for name, each in times.items()}
    return {**medians, "ratio": medians["grid"] / medians["bare"]}


def _grid(name: str, units: int, image: str) -> float:
    """Save a grid and have it reconciled, children and status; no worker is running, so nothing is left to chance."""
    stage.save(stage.grid(name, replicas=0, image=image))
    taken = stage.milliseconds(lambda: _reconcile(name))
    _until_seen(f"{name}-", units)
    return taken


def _reconcile(name: str) -> None:
    """In one task, however many steps that takes: there is no watch here, by which cells are observed."""
    from sgportal.reconciler.grids import reconcile
    from sgportal.reconciler.worker import run

    reconcile.MOST_STEPS = sys.maxsize
    run(f"deploymentgrids/default/{name}")


def manifests(name: str, units: int) -> list[dict[str, Any]]:
    """Deployments of the size that a grid's children have, without a grid."""
    spec = stage.grid(name, replicas=0)["spec"]["template"]
    bodies = []
    for number in range(units):
        unit = f"unit-{number:04}"
        own = copy.deepcopy(spec)
        own["template"]["spec"]["nodeSelector"] = {"site": unit}
        labels = {"bare.example/grid-selector": name, "bare.example/grid-uniq-key": "site"}
        metadata = {"name": f"{name}-{unit}", "namespace": "default", "labels": labels}
        bodies.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": own})
    return bodies


def _changed(bodies: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for body in bodies:
        changed = copy.deepcopy(body)
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/app:2"
        yield changed


def _bare(bodies: list[dict[str, Any]], name: str) -> float:
    from django.conf import settings

    from sgportal.reconciler.process.connection import cluster

    there = cluster()  # once: that asks the database, which has fewer connections than there are threads

    def apply_all() -> None:
        with ThreadPoolExecutor(settings.SGPORTAL_CLUSTER_THREADS) as pool:
            list(pool.map(lambda body: there.apply(body, force=True), bodies))

    taken = stage.milliseconds(apply_all)
    _until_seen(f"{name}-", len(bodies))
    return taken


def _until_seen(prefix: str, units: int) -> None:
    """Until the watch has stored all of these, so that its work is not charged to the next round, and the cluster's own
    controllers have done theirs."""
    from sgportal.models import Child

    def seen() -> bool:
        bodies = [child.body for child in Child.objects.filter(name__startswith=prefix)]
        done = [
            body
            for body in bodies
            if "status" not in body
            or body["status"].get("observedGeneration", 0) >= body["metadata"].get("generation", 1)
        ]
        return len(done) == units

    stage.wait(seen, 120, f"the watch has seen {prefix}*", pause=0.2)
