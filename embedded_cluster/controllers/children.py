"""What controllers have in common: the objects they control, those they make, the status they store."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import orjson

from ..admission.pods import admit_pod, check_pod
from ..nodes.pods import is_ready, ready_since
from ..objects import deletion
from ..objects.errors import ApiError
from ..objects.notes import repeat
from ..objects.selectors import selector_test
from ..objects.store import Store
from ..objects.values import Object, copy, labels_of, new_uid, now, owned

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def claimed(store: Store, key: str, owner: Object) -> list[Object]:
    """The pods or ReplicaSets that `owner` controls, among them those that its selector matches and nobody controlled:
    it adopts these."""
    found = store.children(key, owner["metadata"]["uid"])
    fits = selector_test(owner["spec"].get("selector"))
    for each in store.at_places(key, store.indexes.orphans(key)):
        same_place = each["metadata"]["namespace"] == owner["metadata"]["namespace"]
        if same_place and fits(labels_of(each)) and not each["metadata"].get("deletionTimestamp"):
            references = [
                *(each["metadata"].get("ownerReferences") or ()),
                *owned(owner["kind"], owner["apiVersion"], owner),
            ]
            found.append(store.put(key, {**each, "metadata": {**each["metadata"], "ownerReferences": references}}))
    return found


def staying(bodies: list[Object]) -> list[Object]:
    """Those that are not on their way out."""
    return [each for each in bodies if not each["metadata"].get("deletionTimestamp")]


def template_hash(template: Object) -> str:
    """Ten letters that stand for a pod template."""
    digest = hashlib.sha256(orjson.dumps(template, option=orjson.OPT_SORT_KEYS)).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])


def set_status(store: Store, key: str, body: Object, status: Object) -> Object:
    """Store a new status, if it is new."""
    if body.get("status") == status:
        return body
    return store.put(key, {**body, "metadata": _reported(body, status), "status": status})


def _reported(body: Object, status: Object) -> Object:
    """The metadata of an object once its controller has written its status: `managedFields` says when."""
    metadata = body["metadata"]
    mark = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}
    entries = metadata.get("managedFields") or ()
    others = [each for each in entries if any(each.get(name) != value for name, value in mark.items())]
    fields: Object = {"f:status": {f"f:{name}": {} for name in status}}
    entry = {**mark, "apiVersion": body["apiVersion"], "time": now(), "fieldsType": "FieldsV1", "fieldsV1": fields}
    return {**metadata, "managedFields": [*others, entry]}


def child(
    owner: Object, kind: str, name: str, labels: dict[str, str], spec: Object, annotations: Object | None = None
) -> Object:
    """A new object that `owner` controls."""
    metadata: Object = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "uid": new_uid(),
        "creationTimestamp": now(),
        "labels": labels,
        "ownerReferences": owned(owner["kind"], owner["apiVersion"], owner),
    }
    if annotations:
        metadata["annotations"] = annotations
    api = "v1" if kind == "Pod" else "apps/v1"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def make_pod(
    store: Store, owner: Object, name: str, labels: dict[str, str] | None = None, spec: Object | None = None
) -> Object:
    """Make a pod of the owner's template; `labels` and `spec` add to it. Raises ApiError where admission refuses it."""
    template = copy(owner["spec"]["template"])
    metadata = template.get("metadata") or {}
    own = {**(metadata.get("labels") or {}), **(labels or {})}
    body = child(owner, "Pod", name, own, {**template["spec"], **(spec or {})}, metadata.get("annotations"))
    body["status"] = {"phase": "Pending"}
    body["spec"] = copy(body["spec"])
    admit_pod(store, body, "" if owner["kind"] == "StatefulSet" else f"{owner['metadata']['name']}-")
    check_pod(store, body)
    return store.put("pods", body)


def make_pods(store: Store, owner: Object, make: Iterable[Callable[[], object]], component: str) -> str:
    """Make pods until one is refused, and say so in an Event; why, "" where none is."""
    for each in make:
        try:
            each()
        except ApiError as error:
            repeat(store, owner, "Warning", "FailedCreate", f"Error creating: {error}", component)
            return str(error)
    return ""


def end_pod(store: Store, body: Object) -> None:
    """Delete a pod."""
    deletion.begin(store, "pods", body)


def ready_count(pods: list[Object]) -> int:
    """How many of these pods are Ready."""
    return sum(map(is_ready, pods))


def available_count(pods: list[Object], seconds: int) -> int:
    """How many of these pods have been Ready for so many seconds (minReadySeconds)."""
    if not seconds:
        return ready_count(pods)
    latest = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return sum(is_ready(each) and ready_since(each) <= latest for each in pods)


def is_maturing(body: Object) -> bool:
    """Whether ready pods of a ReplicaSet or StatefulSet become available as time passes."""
    status = body.get("status") or {}
    return bool(status.get("readyReplicas", 0) > status.get("availableReplicas", 0))
