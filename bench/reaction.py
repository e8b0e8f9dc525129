"""From a label on a node, written by anybody, to the child of a new NodeUnit in the cluster."""

import time
from typing import Any

from . import stage

ROUNDS = 30


def run() -> dict[str, Any]:
    """`{p50, p95}` in milliseconds, watch, worker and write included."""
    from sgportal.cluster import MERGE_PATCH

    with stage.stage("large:200x20"), stage.portal():
        from sgportal.reconciler.process.connection import cluster

        stage.save(stage.grid("web"))
        stage.wait(lambda: stage.settled() and len(stage.deployments("web-")) == 20, 60, "the first children")
        times = []
        for number in range(ROUNDS):
            unit = f"new-{number:03}"
            labels = {"metadata": {"labels": {"site": unit}}}
            since = time.perf_counter()
            cluster().patch("Node", "", f"edge-{number * 5:05}", labels, MERGE_PATCH)
            stage.wait(lambda unit=unit: cluster().get("Deployment", "default", f"web-{unit}"), 30, unit, pause=0.002)
            times.append((time.perf_counter() - since) * 1000)
            stage.wait(stage.settled, 30, "quiet again")
        return {"p50": stage.percentile(times, 50), "p95": stage.percentile(times, 95), "rounds": ROUNDS}
