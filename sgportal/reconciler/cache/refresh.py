"""The mirror: what was last seen of the cluster, in rows. The watch keeps it; writes of ours may hasten it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from ...cluster import Cluster
from ...core.grids.group import PLURAL
from ...core.grids.kinds import BY_PLURAL
from ...models import Grid, ServiceGroup
from ...models.bulk import update_in_order
from ..queue.together import requests_together
from .enqueue import Changes, enqueue
from .pod_scope import PODS, PodScope
from .resources import SOURCES
from .store import BATCH, refresh_nodes
from .translate import Body

Believes = Callable[[str, Collection[str], Collection[str]], bool]
BY_RESOURCE = {source.resource: source for source in SOURCES}


def observe_nodes(bodies: Iterable[Body]) -> None:
    """Remember nodes as a write of ours left them, without waiting for the watch, and wake the grids concerned."""
    rows, _ = BY_RESOURCE["nodes"].translate(bodies)
    changes = Changes()
    with transaction.atomic():
        refresh_nodes(rows, changes)
        enqueue(changes)


def relist(resource: str, cluster: Cluster) -> None:
    """Bring one resource in line with a list of all there is, and wake the grids concerned. Raises ClusterError."""
    source, changes = BY_RESOURCE[resource], Changes()
    rows, there = source.translate(cluster.list(source.kind).items)
    with transaction.atomic(), requests_together():
        write(resource, PodScope.read().restrict(rows) if resource == PODS else rows, changes)
        write_absent(resource, there, changes)
        enqueue(changes)


def rewound(resource: str) -> None:
    """The cluster went back to an earlier version: a generation that is known of a custom resource may soon be that of
    another spec, so that each is taken in anew, but for what was edited here and is still to be brought there."""
    if resource in BY_PLURAL:
        rows = Grid.objects.filter(kind=BY_PLURAL[resource].kind).exclude(cluster_uid="")
        update_in_order(rows.filter(generation=F("pushed_generation")), cluster_generation=0)
    if resource == PLURAL:
        update_in_order(ServiceGroup.objects.exclude(cluster_uid=""), cluster_generation=0)


def write(resource: str, rows: Mapping[str, Any], changes: Changes) -> None:
    """Store rows by key (None: gone), some hundred at a time; within a transaction."""
    items = list(rows.items())
    for start in range(0, len(items), BATCH):
        BY_RESOURCE[resource].write(dict(items[start : start + BATCH]), changes)


def write_absent(
    resource: str,
    there: Collection[str],
    changes: Changes,
    believes: Believes = lambda *_: True,
    owns: Callable[[str], bool] | None = None,
) -> bool:
    """Take away what is stored under any other key than those, of the keys that `owns` says are ours, where that is
    believed (the resource, the keys that are there, those that are stored); within a transaction. Whether it is."""
    known = set(filter(owns, BY_RESOURCE[resource].known()) if owns else BY_RESOURCE[resource].known())
    if not believes(resource, there, known):
        return False
    write(resource, dict.fromkeys(sorted(known - set(there))), changes)
    return True
