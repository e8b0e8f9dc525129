"""A namespace has a ServiceAccount and the authority's certificate; deleted, it takes its contents along."""

from ..kinds.served import Kinds
from ..objects import deletion
from ..objects.store import Change, Store
from ..objects.values import Object, new_uid, now

_FURNITURE = (("serviceaccounts", "ServiceAccount", "default"), ("configmaps", "ConfigMap", "kube-root-ca.crt"))


def furnish(authority: str, store: Store, body: Object) -> None:
    """Give a namespace what every namespace has."""
    if body["metadata"].get("deletionTimestamp"):
        return
    namespace = body["metadata"]["name"]
    for key, kind, name in _FURNITURE:
        if store.get(key, namespace, name) is None:
            metadata = {"name": name, "namespace": namespace, "uid": new_uid(), "creationTimestamp": now()}
            more = {"data": {"ca.crt": authority}} if kind == "ConfigMap" else {}
            store.put(key, {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more})


def is_furniture(change: Change) -> bool:
    """Whether a write is to something that every namespace has."""
    return any((change.key, change.place[1]) == (key, name) for key, _, name in _FURNITURE)


class Terminator:
    """Empties namespaces that are being deleted, then removes them."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._going = {
            each["metadata"]["name"] for each in store.each("namespaces") if each["metadata"].get("deletionTimestamp")
        }
        self._look = bool(self._going)

    def notice(self, change: Change) -> None:
        """Remember a namespace that is to go; look again when something in one has gone."""
        if change.key == "namespaces" and change.body["metadata"].get("deletionTimestamp"):
            (self._going.discard if change.type == "DELETED" else self._going.add)(change.place[1])
            self._look = True
        elif self._going and change.type == "DELETED" and change.place[0] in self._going:
            self._look = True

    def finish(self) -> None:
        """Empty what is to go, and remove what is empty. What has finalizers holds its namespace."""
        going, self._look = (sorted(self._going) if self._look else []), False
        for name in going:
            bodies = [
                (kind.key, body)
                for kind in self._kinds.every()
                if kind.namespaced
                for body in list(self._store.each(kind.key, name))
            ]
            held = [body for key, body in bodies if not deletion.begin(self._store, key, body, grace=0)]
            if not held:
                self._store.remove("namespaces", "", name)
