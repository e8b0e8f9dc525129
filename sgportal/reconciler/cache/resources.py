"""What is mirrored, and how each kind gets into our rows."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet

from ...core.grids.group import KIND, PLURAL
from ...core.grids.kinds import KINDS
from ...core.shards import Shard
from ...models import Child, Grid, Namespace, Node, Pod, ServiceGroup, Slice
from ..grids.resource import sync
from ..groups import orphaning
from ..groups import resource as packages
from ..informer.source import Source, name, place
from . import store, translate
from .enqueue import Changes
from .translate import Body

log = logging.getLogger(__name__)
MAX_NAME = 63  # of a grid; a longer one cannot be a label value, hence no grid's


@dataclass(frozen=True, slots=True)
class CachedResource(Source):
    """A mirrored resource. `write` stores a batch of rows by key (None: gone) and notes what changed; `known` gives the
    keys that are stored. What is `divided` is followed by as many processes as there are shards."""

    write: Callable[[Mapping[str, Any], Changes], None]
    known: Callable[[], Iterable[str]]
    divided: bool = field(default=False, kw_only=True)


def _uid(body: Body) -> str:
    return str(body["metadata"]["uid"])


def _places(rows: QuerySet[Any]) -> Iterable[str]:
    """`<namespace>/<name>` of each row."""
    return [f"{namespace}/{name}" for namespace, name in rows.values_list("namespace", "name")]


def _known_children(kind: str) -> Iterable[str]:
    return _places(Child.objects.filter(kind=kind))


def _known_grids(kind: str) -> Iterable[str]:
    """Grids that were seen in the cluster; others cannot be missed there."""
    return _places(Grid.objects.filter(kind=kind).exclude(cluster_uid=""))


def _grid_body(body: Body) -> Body | None:
    if len(name(body)) > MAX_NAME:
        raise ValueError(f"the name has more than {MAX_NAME} characters")
    return body


def _group_body(body: Body) -> Body | None:
    return orphaning.remembered(body) if _grid_body(body) else None


def _known_groups() -> Iterable[str]:
    return _places(ServiceGroup.objects.exclude(cluster_uid=""))


def _observe_grids(kind: str, batch: Mapping[str, Body | None], changes: Changes) -> None:
    """Hand on what our custom resources of grids say that their rows do not know."""
    rows = sync.rows_of(kind, batch)

    def is_news(key: str, body: Body | None) -> bool:
        return not sync.says_nothing_new(rows.get(key), body)

    _observe(kind, partial(sync.observe, kind), batch, changes, is_news)


def _observe(
    kind: str,
    observe: Callable[[str, str, Body | None], None],
    batch: Mapping[str, Body | None],
    _changes: Changes,
    is_news: Callable[[str, Body | None], bool] = lambda _key, _body: True,
) -> None:
    """Hand our custom resources on, each on its own: one that goes wrong does not stop the others."""
    for key, body in batch.items():
        namespace, object_name = key.split("/", 1)
        try:
            if not is_news(key, body):
                continue
            with transaction.atomic():
                observe(namespace, object_name, body)
        except (OperationalError, InterfaceError):  # the database's trouble, not this object's: the batch is retried
            raise
        except Exception:
            log.exception("%s %s could not be taken in and is skipped", kind, key)


def _children(resource: str, kind: str) -> CachedResource:
    write, known = partial(store.write_children, kind), partial(_known_children, kind)
    return CachedResource(resource, kind, place, translate.child_row, write, known, divided=True)


SOURCES = (
    CachedResource(
        "nodes",
        "Node",
        name,
        translate.node_row,
        store.write_nodes,
        lambda: Node.objects.values_list("name", flat=True),
    ),
    CachedResource(
        "namespaces",
        "Namespace",
        name,
        translate.namespace_row,
        store.write_namespaces,
        lambda: Namespace.objects.values_list("name", flat=True),
        optional=True,
    ),
    CachedResource(
        "pods",
        "Pod",
        _uid,
        translate.pod_row,
        store.write_pods,
        lambda: Pod.objects.values_list("uid", flat=True),
        divided=True,
    ),
    CachedResource(
        "endpointslices",
        "EndpointSlice",
        place,
        translate.slice_row,
        store.write_slices,
        lambda: _places(Slice.objects.all()),
        divided=True,
    ),
    *(_children(kind.child_plural, kind.child_kind) for kind in KINDS.values()),
    *(
        CachedResource(
            kind.plural,
            kind.kind,
            place,
            _grid_body,
            partial(_observe_grids, kind.kind),
            partial(_known_grids, kind.kind),
            custom=True,
        )
        for kind in KINDS.values()
    ),
    CachedResource(
        PLURAL,
        KIND,
        place,
        _group_body,
        partial(_observe, KIND, packages.observe),
        _known_groups,
        custom=True,
        optional=True,
    ),
)
DIVIDED = frozenset(source.resource for source in SOURCES if source.divided)


def sources_of(shard: Shard) -> list[CachedResource]:
    """What the watch of a shard follows: its share of what is divided, and all else where it leads."""
    return [
        replace(source, owns=None if shard.is_whole else shard.owns) if source.divided else source
        for source in SOURCES
        if source.divided or shard.leads
    ]
