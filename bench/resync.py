"""The sweep over grids where nothing has changed: what it asks of the cluster, and what it writes (nothing)."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import stage

THREADS = 16
WRITES = ("POST", "PUT", "PATCH", "DELETE", "APPLY", "DELETECOLLECTION")
LEFT_OUT = ("leases", "events", "tokenreviews", "subjectaccessreviews")  # the API server's own, and heartbeats
PAGE = 500  # objects of one list in one request
_COUNTED = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def run(world: str, grids: str = "1") -> dict[str, Any]:
    """`{writes, lists, requests, milliseconds, units, grids}` of one sweep over so many grids that are as they should
    be, by the worker as in production; `lists` is the most of one kind, where the pages of one list count as one, and
    `requests` is all that the API server counted meanwhile, but for watches."""
    units, count = int(world.partition("x")[2]), int(grids)
    with stage.stage(world), stage.portal("watch", "worker"):
        make(units, count)
        before, since = _requests(), time.perf_counter()
        sweep(count)
        taken, after = (time.perf_counter() - since) * 1000, _requests()
        asked = Counter({key: after[key] - before[key] for key in after if after[key] > before[key]})
        pages = -(-units * count // PAGE)
        return {
            "writes": sum(each for (verb, _), each in asked.items() if verb in WRITES),
            "lists": max(
                -(-each // (pages if what == "deployments" else 1))
                for (verb, what), each in asked.items()
                if verb == "LIST"
            ),
            "requests": asked.total(),
            "milliseconds": taken,
            "units": units * count,
            "grids": count,
        }


def make(units: int, count: int) -> None:
    """So many Ready grids."""
    from sgportal.models import Child, GridUnit
    from sgportal.reconciler.process.connection import cluster

    stage.save(*(stage.grid(f"calm{number}", replicas=0) for number in range(count)))
    stage.wait(lambda: Child.objects.of_grids().count() == units * count, 900, "all children", pause=1)
    asked, seen = cluster(), {"status": {"observedGeneration": 1}}  # no controller says that it has seen them

    def answer(place: tuple[str, str]) -> None:
        asked.patch("Deployment", *place, seen, "application/merge-patch+json", subresource="status")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(answer, Child.objects.of_grids().values_list("namespace", "name")))
    ready = GridUnit.objects.filter(state="Ready")
    stage.wait(lambda: ready.count() == units * count and stage.settled(), 900, "the grids are ready", pause=1)
    time.sleep(3)


def sweep(count: int) -> None:
    """Have the worker sweep, and wait until it has looked at every grid."""
    from django.utils import timezone

    from sgportal.models import Grid
    from sgportal.reconciler.queue import workqueue

    since = timezone.now()
    workqueue.enqueue(["duties/resync"], urgent=True)
    seen = Grid.objects.filter(seen_at__gte=since)
    stage.wait(lambda: seen.count() == count, 600, "every grid is looked at", pause=0.02)


def _requests() -> Counter[tuple[str, str]]:
    """What the API server has been asked for, by verb and plural, but for watches."""
    from sgportal.reconciler.process.connection import cluster

    said = cluster()._transport.open("GET", "/metrics").data.decode()
    found: Counter[tuple[str, str]] = Counter()
    for labels, count in _COUNTED.findall(said):
        told = dict(_LABEL.findall(labels))
        if (
            told["verb"] != "WATCH"
            and told["resource"] not in ("", *LEFT_OUT)
            and told["group"] != "apiregistration.k8s.io"
        ):
            found[told["verb"], told["resource"]] += int(float(count))
    return found
