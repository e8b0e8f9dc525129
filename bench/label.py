"""From a label on a node to the children of twenty grids in the new NodeUnit, against the same twenty writes, bare."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import stage
from .fanout import manifests
from .following import follow

GRIDS, ROUNDS = 20, 30


def run(world: str) -> dict[str, Any]:
    """`{p50, p99, bare, ratio, grids}` in milliseconds, until a watch shows the last child; `bare` is a median."""
    from sgportal.cluster import MERGE_PATCH

    units = int(world.partition("x")[2])
    with stage.stage(world), stage.portal():
        from django.conf import settings

        from sgportal.reconciler.process.connection import cluster

        names = [f"web{number:02}" for number in range(GRIDS)]
        for name in names:
            stage.save(stage.grid(name, replicas=0))
        stage.wait(
            lambda: stage.settled() and len(stage.deployments("web")) == GRIDS * units, 300, "the first children", 1
        )
        seen: dict[str, float] = {}
        follow(cluster(), "Deployment", lambda event: _note(seen, event))
        times, bare = [], []
        with ThreadPoolExecutor(settings.SGPORTAL_CLUSTER_THREADS) as pool:
            for number in range(ROUNDS):
                unit = f"new-{number:03}"
                wanted = {f"{name}-{unit}" for name in names}
                since = time.perf_counter()
                label = {"metadata": {"labels": {"site": unit}}}
                cluster().patch("Node", "", f"edge-{number + units:05}", label, MERGE_PATCH)
                stage.wait(lambda wanted=wanted: wanted <= seen.keys(), 30, unit, pause=0.005)
                times.append((max(seen[name] for name in wanted) - since) * 1000)
                stage.wait(stage.settled, 30, "quiet again", pause=0.05)
                bodies = manifests(f"bare{number}", GRIDS)
                bare.append(stage.milliseconds(lambda bodies=bodies: list(pool.map(cluster().apply, bodies))))
                time.sleep(0.3)
        floor = statistics.median(bare)
        p50, p99 = stage.percentile(times, 50), stage.percentile(times, 99)
        return {"p50": p50, "p99": p99, "bare": floor, "ratio": p50 / floor, "grids": GRIDS, "rounds": ROUNDS}


def _note(seen: dict[str, float], event: Any) -> None:
    """When each new Deployment showed itself."""
    if event.type == "ADDED":
        seen.setdefault(event.body["metadata"]["name"], time.perf_counter())
