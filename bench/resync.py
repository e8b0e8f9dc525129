"""A look at grids where nothing has changed: what it asks of the cluster, and what it writes (nothing)."""

from collections import Counter
from typing import Any

from . import stage


def run(world: str, grids: str = "1") -> dict[str, Any]:
    """`{writes, reads, milliseconds, units, grids}` of one look at so many grids that are as they should be."""
    units, count = int(world.partition("x")[2]), int(grids)
    with stage.stage(world), stage.portal("watch"):
        from sgportal.cluster.transport import Transport
        from sgportal.models import GridUnit
        from sgportal.reconciler.queue import workqueue
        from sgportal.reconciler.worker import run as reconcile

        keys = [f"deploymentgrids/default/calm{number}" for number in range(count)]
        for number in range(count):
            stage.save(stage.grid(f"calm{number}", replicas=0))

        def look() -> None:
            workqueue.enqueue(keys, urgent=True)
            for key in keys:
                reconcile(key)

        def calm() -> bool:
            look()
            return GridUnit.objects.filter(state="Ready").count() == units * count

        stage.wait(calm, 600, "the grids are ready", pause=0.5)
        counted: Counter[str] = Counter()
        bare = Transport.open

        def counting(self: Any, method: str, *rest: Any, **options: Any) -> Any:
            if not options.get("silence_seconds"):
                counted[method] += 1
            return bare(self, method, *rest, **options)

        Transport.open = counting  # type: ignore[method-assign]
        try:
            taken = stage.milliseconds(look)
        finally:
            Transport.open = bare  # type: ignore[method-assign]
        reads = counted.pop("GET", 0)
        return {
            "writes": sum(counted.values()),
            "reads": reads,
            "milliseconds": taken,
            "units": units * count,
            "grids": count,
        }
