"""Which pods are stored: those that a grid, a ServiceGrid or a proof may speak of, and no others."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from django.db.models import Q

from ...core.grids.kinds import KINDS
from ...core.names import BUILT_IN_SLICES, MANAGED_BY, SELECTOR, SLICE_MANAGER
from ...core.shards import WHOLE, Shard
from ...core.traffic.service import read_selector
from ...models import Child, Grid, Pod, Slice
from ...models.statements import returned
from ...queries.freshness import seen_once

_DECISIVE = ("services", "endpointslices")
PODS = "pods"
_WORKLOADS = frozenset(kind.child_plural for kind in KINDS.values())
READ_SECONDS = 1.0  # between two reads because of Services or EndpointSlices, which change all the time
OTHERS_SECONDS = 10.0  # at most, where another process follows some of these, of which this one is not told
Labels = frozenset[tuple[str, str]]


class Selection(NamedTuple):
    """Pods of a namespace, all of them where `selector`, a label selector as text, is empty."""

    namespace: str
    selector: str = ""


@dataclass(frozen=True, slots=True)
class PodScope:
    """The pods that are stored, by namespace: those of workloads named as the children of `grids`, those that carry all
    labels of one of `selectors`, and all of the namespaces `whole`. Those that carry traffic on their nodes
    (`Pod.agent`) are always."""

    grids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    selectors: Mapping[str, frozenset[Labels]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()

    @classmethod
    def read(cls) -> Self:
        """As the rows say. A grid's row is there before any of its children is, so no pod of these comes too early."""
        grids: dict[str, set[str]] = defaultdict(set)
        for namespace, name in Grid.objects.workloads().values_list("namespace", "name"):
            grids[namespace].add(name)
        selectors: dict[str, set[Labels]] = defaultdict(set)
        for namespace, selector in _selectors():
            if selector and isinstance(selector, Mapping):
                selectors[namespace].add(frozenset((str(key), str(value)) for key, value in selector.items()))
        return cls(
            {namespace: frozenset(names) for namespace, names in grids.items()},
            {namespace: frozenset(several) for namespace, several in selectors.items()},
            frozenset(_with_foreign_slices()),
        )

    def holds(self, pod: Pod) -> bool:
        """Whether this pod is stored."""
        if pod.agent or pod.namespace in self.whole:
            return True
        names = self.grids.get(pod.namespace)
        if names and pod.child and not names.isdisjoint(_beginnings(pod.child)):
            return True
        wanted = self.selectors.get(pod.namespace, ())
        return any(all(pod.labels.get(key) == value for key, value in each) for each in wanted)

    def restrict(self, rows: Mapping[str, Pod | None]) -> dict[str, Pod | None]:
        """The same rows, None (gone) for those that are not stored."""
        return {key: row if row is None or self.holds(row) else None for key, row in rows.items()}

    def beyond(self, before: Self, known: bool) -> Iterator[Selection]:
        """Where pods may be that are stored from now on and that were not stored `before`. Of a new grid only where
        there are workloads of its children's names already: its own are made after its row. Whether there are is
        `known` once workloads have been listed."""
        yield from (Selection(namespace) for namespace in sorted(self.whole - before.whole))
        for namespace, selectors in sorted(self.selectors.items()):
            for each in selectors - before.selectors.get(namespace, frozenset()):
                yield Selection(namespace, ",".join(f"{key}={value}" for key, value in sorted(each)))
        for namespace, names in sorted(self.grids.items()):
            fresh = names - before.grids.get(namespace, frozenset())
            if fresh and not (known and fresh.isdisjoint(_named_by_workloads(namespace))):
                yield Selection(namespace)

    def is_narrower(self, before: Self) -> bool:
        """Whether there may be stored pods that are not to be stored any more."""
        parts = ((before.grids, self.grids), (before.selectors, self.selectors))
        lost = any(was - now.get(namespace, frozenset()) for old, now in parts for namespace, was in old.items())
        return lost or bool(before.whole - self.whole)


def _beginnings(name: str) -> set[str]:
    """The names of the grids whose child may have this name."""
    return {name[:at] for at, letter in enumerate(name) if letter == "-"}


def _named_by_workloads(namespace: str) -> set[str]:
    """The names of the grids whose children the workloads of a namespace may be."""
    names = Child.objects.filter(namespace=namespace).exclude(kind="Service").values_list("name", flat=True)
    return {each for name in names for each in _beginnings(name)}


def _selectors() -> Iterator[tuple[str, Any]]:
    """The namespace and the selector of each Service of which the portal speaks, as ServiceGrids ask for it and as it
    is in the cluster."""
    grids = Grid.objects.filter(kind="ServiceGrid")
    yield from grids.values_list("namespace", "spec__template__selector")
    annotated = Q(body__metadata__annotations__topologyKeys__isnull=False)
    services = Child.objects.filter(annotated | ~Q(grid_name="") | ~Q(owner_uid=""), kind="Service")
    for namespace, selector, annotations in services.values_list(
        "namespace", "body__spec__selector", "body__metadata__annotations"
    ):
        yield namespace, selector
        yield namespace, read_selector((annotations or {}).get(SELECTOR) or "")


def _with_foreign_slices() -> set[str]:
    """The namespaces where somebody writes EndpointSlices, besides us and Kubernetes, for Services of ServiceGrids: the
    addresses that those list may be any pod's."""
    labels = Slice.objects.values_list("namespace", "body__metadata__labels")
    return {
        namespace for namespace, each in labels if (each or {}).get(MANAGED_BY) not in (SLICE_MANAGER, BUILT_IN_SLICES)
    }


def remove_others(scope: PodScope, shard: Shard = WHOLE) -> None:
    """Remove the rows of a shard's pods that are not to be stored; within a transaction."""
    columns = ("pk", "uid", "namespace", "child", "labels", "agent")
    rows = Pod.objects.only(*columns).order_by()
    gone = [pod.pk for pod in rows.iterator(chunk_size=2000) if shard.owns(pod.uid) and not scope.holds(pod)]
    for begin in range(0, len(gone), 1000):
        Pod.objects.filter(pk__in=gone[begin : begin + 1000]).delete()


# What differs as soon as any grid does.
_GRIDS = "SELECT COUNT(*), SUM(version), MAX(id) FROM sgportal_grid WHERE cluster_id = %(cluster)s"


class CurrentScope:
    """The scope that the watch of a shard goes by. `list_also` has pods listed that were left out before: some, as
    selections."""

    def __init__(self, list_also: Callable[[Iterable[Selection]], None], shard: Shard = WHOLE) -> None:
        self.scope = PodScope()
        self._list_also, self._shard = list_also, shard
        self._seen: tuple[Any, ...] = ()
        self._doubted, self._next_read, self._read_again = True, 0.0, 0.0
        self._lacking = set(_WORKLOADS)  # kinds that were not listed yet
        self._wanted: set[Selection] = set()
        self._to_remove = True

    def refresh(self) -> None:
        """Read it anew if it may have changed, and remove what is not to be stored any more: at the start of each
        transaction, so that what is stored in it is judged by the rows of all grids that had children before."""
        (seen,) = returned(_GRIDS)
        now = time.monotonic()
        others_changed = not self._shard.is_whole and now >= self._read_again
        if seen == self._seen and not others_changed and not (self._doubted and now >= self._next_read):
            return
        fresh = PodScope.read()
        # What was there before the first list is in it.
        self._wanted.update(fresh.beyond(self.scope, known=self._knows_workloads()) if self._seen else ())
        self._to_remove |= fresh.is_narrower(self.scope)
        if self._to_remove:
            remove_others(fresh, self._shard)
        self.scope, self._seen, self._doubted = fresh, seen, False
        self._next_read = time.monotonic() + READ_SECONDS
        self._read_again = time.monotonic() + OTHERS_SECONDS

    def _knows_workloads(self) -> bool:
        """Whether all workloads have been listed, those of other shards too."""
        return not self._lacking and (self._shard.is_whole or all(map(seen_once, _WORKLOADS)))

    def listed(self, resource: str) -> None:
        """All of a resource is stored."""
        self._lacking.discard(resource)
        self.changed(resource)

    def changed(self, resource: str) -> None:
        """Rows of a resource have been written."""
        self._doubted |= resource in _DECISIVE

    def saved(self) -> None:
        """All of that is committed."""
        self._to_remove = False
        if self._wanted:
            self._list_also(sorted(self._wanted))
            self._wanted = set()
