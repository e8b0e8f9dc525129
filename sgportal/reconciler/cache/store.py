"""Writing rows of the mirror in batches, each with a constant number of statements.

A batch maps the key of an object to its row, or to None where it is gone. Rows that would stay as they are are not
written. Everything here is to be called within a transaction.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import DataError, IntegrityError, models, transaction

from ...core.names import ZONE, refusing_number
from ...models import Child, Namespace, Node, NodeLabel, Pod, Slice
from ...models.bulk import upsert_rows
from ..queue import unit_history
from .enqueue import Changes
from .translate import Body

log = logging.getLogger(__name__)
Row = TypeVar("Row", bound=models.Model)
BATCH = 500
_NODE_FIELDS = ("uid", "labels", "ready", "ready_since", "unschedulable", "taints", "info", "created_at")
_POD_STATE = ("node", "ready", "phase", "reason", "message", "terminating", "child_kind", "child")
_AGENT = ("agent", "version", "ready", "node", "terminating")
_POD_FIELDS = (*_POD_STATE, "namespace", "name", "labels", "ips", "ports", "restarts", "agent", "version", "created_at")
_CHILD_FIELDS = ("uid", "grid_name", "owner_uid", "body")


def refresh_nodes(batch: Mapping[str, Node], changes: Changes) -> None:
    """Nodes by name as a write of ours left them. One that is not stored, or is stored at a later version, is left to
    the watch: it alone knows what comes after what."""
    known = _locked(Node, "name", batch)
    fresh = {name: row for name, row in batch.items() if name in known and _is_later(row, known[name])}
    _write_nodes(fresh, known, changes)


def _is_later(row: Node, known: Node) -> bool:
    """Whether a row is of the same object and not older (versions are numbers that grow: KEP-5504)."""
    older = row.resource_version.isdecimal() and known.resource_version.isdecimal()
    return row.uid == known.uid and not (older and int(row.resource_version) < int(known.resource_version))


def write_nodes(batch: Mapping[str, Node | None], changes: Changes) -> None:
    """Nodes by name."""
    known = _locked(Node, "name", batch)
    _write_nodes(batch, known, changes)
    gone = [known[name] for name, row in batch.items() if row is None and name in known]
    for node in gone:
        changes.nodes.add(node.name)
        changes.moved.update(node.labels.items())
        changes.proxies = True
    if gone:
        Node.objects.filter(pk__in=[node.pk for node in gone]).delete()
        unit_history.note_gone([node.name for node in gone])


def _write_nodes(batch: Mapping[str, Node | None], known: Mapping[str, Node], changes: Changes) -> None:
    changed = []
    for name, row in batch.items():
        before = known.get(name)
        if row is not None and _differs(row, before, _NODE_FIELDS):
            changed.append(row)
            _note_node(row, before, changes)
    written = _upsert(changed, ("name", "cluster"), (*_NODE_FIELDS, "resource_version", "seen_at"))
    _write_labels([(row, known[row.name].labels if row.name in known else {}) for row in written])
    unit_history.note_written((row, known.get(row.name)) for row in written)


def _note_node(row: Node, before: Node | None, changes: Changes) -> None:
    changes.nodes.add(row.name)
    labels = before.labels if before else {}
    changes.moved.update(row.labels.items() ^ labels.items())
    if before and labels != row.labels:
        changes.relabelled.update(row.labels.items())
    if before and before.ready != row.ready:
        changes.readiness.update(row.labels.items())
    changes.proxies |= before is None or _of_its_proxy(row) != _of_its_proxy(before)


def _of_its_proxy(row: Node) -> tuple[Any, ...]:
    """What a node's own proxy goes by, or is known by."""
    info = row.info.get("nodeInfo") or {}
    return info.get("kubeletVersion"), info.get("operatingSystem"), row.labels.get(ZONE)


def _write_labels(nodes: Sequence[tuple[Node, Mapping[str, str]]]) -> None:
    """Bring the label rows of nodes in line with their labels; each node comes with the labels it had."""
    fresh = [
        NodeLabel(node=node, key=key, value=value)
        for node, before in nodes
        for key, value in node.labels.items()
        if before.get(key) != value
    ]
    _upsert(fresh, ("node", "key"), ("value",))
    removed = {(node.pk, key) for node, before in nodes for key in before.keys() - node.labels.keys()}
    if removed:
        found = NodeLabel.objects.filter(node__in={pk for pk, _ in removed}, key__in={key for _, key in removed})
        rows = found.values_list("pk", "node_id", "key")
        NodeLabel.objects.filter(pk__in=[pk for pk, node, key in rows if (node, key) in removed]).delete()


def write_namespaces(batch: Mapping[str, Namespace | None], _changes: Changes) -> None:
    """Namespaces by name. They wake nobody: what they ask of pods is looked at when a grid is saved."""
    known = _locked(Namespace, "name", batch)
    changed = [row for name, row in batch.items() if row and _differs(row, known.get(name), ("labels",))]
    _upsert(changed, ("name", "cluster"), ("labels", "resource_version"))
    gone = [known[name].pk for name, row in batch.items() if row is None and name in known]
    if gone:
        Namespace.objects.filter(pk__in=gone).delete()


def write_pods(batch: Mapping[str, Pod | None], changes: Changes) -> None:
    """Pods by uid. Labels, addresses, ports and restarts alone wake nobody: no grid's status tells of them."""
    known = _locked(Pod, "uid", batch)
    changed = []
    for uid, row in batch.items():
        before = known.get(uid)
        if row is None or not _differs(row, before, _POD_FIELDS):
            continue
        changed.append(row)
        if _differs(row, before, _POD_STATE):
            changes.pods = True
            _note_pods([row, before] if before else [row], changes)
        if row.agent or (before and before.agent):
            changes.proxies |= _differs(row, before, _AGENT)
    _upsert(changed, ("uid",), (*_POD_FIELDS, "resource_version"))
    gone = [known[uid] for uid, row in batch.items() if row is None and uid in known]
    _note_pods(gone, changes)
    changes.proxies |= any(pod.agent for pod in gone)
    if gone:
        changes.pods = True
        Pod.objects.filter(pk__in=[pod.pk for pod in gone]).delete()


def _note_pods(pods: Iterable[Pod], changes: Changes) -> None:
    changes.above_pods.update((pod.child_kind, pod.namespace, pod.child) for pod in pods if pod.child)


def write_children(kind: str, batch: Mapping[str, Child | None], changes: Changes) -> None:
    """Deployments, StatefulSets or Services by `<namespace>/<name>`."""
    known = _locked_children(kind, batch)
    changed = []
    for key, row in batch.items():
        before = known.get(key)
        if row is None or not _differs(row, before, _CHILD_FIELDS):
            continue
        changed.append(row)
        if before is None:
            _note_refusing(row, changes)
        if before is None or _content(row.body) != _content(before.body):
            for each in (row, before):
                if each:
                    changes.child_changed(each)
    _upsert(changed, ("kind", "namespace", "name", "cluster"), (*_CHILD_FIELDS, "resource_version"))
    gone = [known[key] for key, row in batch.items() if row is None and key in known]
    for child in gone:
        changes.child_changed(child)
        _note_refusing(child, changes)
    if gone:
        Child.objects.filter(pk__in=[child.pk for child in gone]).delete()


def _locked_children(kind: str, batch: Mapping[str, Child | None]) -> dict[str, Child]:
    """The rows there are, by `<namespace>/<name>`, locked; without the body, which is large, where all are to go."""
    places = [key.split("/", 1) for key in batch]
    rows = Child.objects.select_for_update().filter(
        kind=kind, namespace__in={each[0] for each in places}, name__in={each[1] for each in places}
    )
    if not any(batch.values()):
        rows = rows.defer("body")
    return {f"{row.namespace}/{row.name}": row for row in rows.order_by("pk")}


def _note_refusing(child: Child, changes: Changes) -> None:
    """Sentinels refuse calls for as long as the Service that they send to is there."""
    if child.kind == "Service" and refusing_number(child.name):
        changes.services.add((child.namespace, child.name))


def write_slices(batch: Mapping[str, Slice | None], changes: Changes) -> None:
    """EndpointSlices by `<namespace>/<name>`."""
    places = [key.split("/", 1) for key in batch]
    rows = Slice.objects.select_for_update().filter(
        namespace__in={each[0] for each in places}, name__in={each[1] for each in places}
    )
    known = {f"{row.namespace}/{row.name}": row for row in rows.order_by("pk")}
    changed = [row for key, row in batch.items() if row and _differs(row, known.get(key), ("service", "body"))]
    gone = [known[key] for key, row in batch.items() if row is None and key in known]
    changes.services.update((row.namespace, row.service) for row in (*changed, *gone))
    _upsert(changed, ("namespace", "name", "cluster"), ("service", "body", "resource_version"))
    if gone:
        Slice.objects.filter(pk__in=[row.pk for row in gone]).delete()


def _content(body: Body) -> dict[str, Any]:
    """An object without what changes at every write."""
    metadata = {
        key: value for key, value in body["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    return {**body, "metadata": metadata}


def _locked(model: type[Row], field: str, keys: Collection[str]) -> dict[str, Row]:
    """The rows there are, held until the transaction ends, always taken in the same order."""
    rows = model._default_manager.select_for_update().filter(**{f"{field}__in": list(keys)}).order_by("pk")
    return {getattr(row, field): row for row in rows}


def _differs(row: models.Model, before: models.Model | None, fields: Iterable[str]) -> bool:
    return before is None or any(getattr(row, name) != getattr(before, name) for name in fields)


def _upsert(rows: Sequence[Row], unique: Sequence[str], fields: Sequence[str]) -> list[Row]:
    """Insert or update rows, and set their primary keys; those that were written. A row that the database refuses is
    logged and left out, the others go on."""

    def write(some: Sequence[Row]) -> None:
        upsert_rows(some, unique, fields)

    return _write_what_can_be(rows, write)


def _write_what_can_be(rows: Sequence[Row], write: Callable[[Sequence[Row]], None]) -> list[Row]:
    if not rows:
        return []
    try:
        with transaction.atomic():
            write(rows)
    except (DataError, IntegrityError, ValueError):
        if len(rows) == 1:
            log.exception("%s %s cannot be stored and is skipped", type(rows[0]).__name__, rows[0])
            return []
        half = len(rows) // 2
        return _write_what_can_be(rows[:half], write) + _write_what_can_be(rows[half:], write)
    return list(rows)
