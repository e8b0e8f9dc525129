"""What the life says of objects: Events, and conditions with their times."""

from .store import Store
from .values import Object, new_uid, now


def note(store: Store, about: Object, kind: str, reason: str, message: str, component: str) -> None:
    """Write an Event (v1) about an object: `kind` is Normal or Warning."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    reference = {
        "kind": about["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": about["apiVersion"],
        "resourceVersion": metadata["resourceVersion"],
    }
    uid = new_uid()
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name'][:236]}.{uid.replace('-', '')[:16]}",
            "namespace": namespace,
            "uid": uid,
            "creationTimestamp": now(),
        },
        "involvedObject": reference,
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
    }
    store.put("events", body)


def repeat(store: Store, about: Object, kind: str, reason: str, message: str, component: str) -> None:
    """Write an Event, or count on where it says again what has been said of the object."""
    uid, namespace = about["metadata"]["uid"], about["metadata"].get("namespace", "default")
    for each in store.each("events", namespace):
        same = each.get("message") == message and each.get("reason") == reason
        if same and each["involvedObject"].get("uid") == uid:
            store.put("events", {**each, "count": each.get("count", 1) + 1, "lastTimestamp": now()})
            return
    note(store, about, kind, reason, message, component)


def now_unless(condition: Object, body: Object) -> Object:
    """A condition with the time of its last transition: the old one, where the object had that status before."""
    old: Object = next(
        (each for each in (body.get("status") or {}).get("conditions") or () if each["type"] == condition["type"]), {}
    )
    same = old.get("status") == condition["status"]
    return {**condition, "lastTransitionTime": old.get("lastTransitionTime") if same else now()}
