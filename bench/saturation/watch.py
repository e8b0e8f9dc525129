"""The watch under more and more changes of pods, until its rows are more than a second behind."""

from typing import Any

from ..pods.watch import watched

RATES = (250, 500, 1000, 1500, 2000, 3000, 4000)  # a second
SECONDS = 15.0
MOST_LAG = 1000.0  # ms, p99


def run(
    world: str = "pods:10000x1000", pods: str = "100000", strangers: str = "0", shards: str = "1"
) -> dict[str, Any]:
    """`{listed, stored, steps, most, a_core}`: what was measured at each rate, the most changes a second at which the
    rows are at most MOST_LAG behind, and how many changes a second come to one core."""
    steps: list[dict[str, Any]] = []
    with watched(world, pods, strangers, shards) as watch:
        for rate in RATES:
            steps.append({"rate": rate, **watch.measure(rate, SECONDS)})
            if steps[-1]["p99"] > MOST_LAG or steps[-1]["late"]:
                break
    good = [step["sent"] for step in steps if step["p99"] <= MOST_LAG and not step["late"]]
    a_core = max(step["sent"] / step["cpu"] * 100 for step in steps)
    return {
        "listed": watch.listed,
        "stored": watch.stored,
        "steps": steps,
        "most": max(good, default=0),
        "a_core": a_core,
    }
