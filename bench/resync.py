"""A look at a grid where nothing has changed: what it asks of the cluster, and what it writes (nothing)."""

from typing import Any

from . import stage

UNITS = 200


def run() -> dict[str, Any]:
    """`{writes, reads, milliseconds}` of one look at a grid of two hundred units that is as it should be."""
    from collections import Counter

    with stage.stage(f"large:{UNITS}x{UNITS}"), stage.portal(worker=False):
        from sgportal.cluster.transport import Transport
        from sgportal.models import GridUnit
        from sgportal.reconciler import work
        from sgportal.reconciler.reconcile import run as reconcile

        key = "deploymentgrids/default/calm"
        stage.save(stage.grid("calm"))

        def calm() -> bool:
            work.request([key], urgent=True)
            reconcile(key)
            return GridUnit.objects.filter(state="Ready").count() == UNITS

        stage.wait(calm, 120, "the grid is ready", pause=0.5)
        counted: Counter[str] = Counter()
        bare = Transport.open

        def counting(self: Any, method: str, *rest: Any, **options: Any) -> Any:
            if not options.get("stream"):
                counted[method] += 1
            return bare(self, method, *rest, **options)

        Transport.open = counting  # type: ignore[method-assign]
        try:
            work.request([key], urgent=True)
            taken = stage.milliseconds(lambda: reconcile(key))
        finally:
            Transport.open = bare  # type: ignore[method-assign]
        reads = counted.pop("GET", 0)
        return {"writes": sum(counted.values()), "reads": reads, "milliseconds": taken, "units": UNITS}
