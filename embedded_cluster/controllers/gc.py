"""The garbage collector: dependents follow their owners (Kubernetes "Garbage Collection")."""

from ..kinds.served import Kinds
from ..objects import deletion
from ..objects.store import Change, Store
from ..objects.values import Object

Place = tuple[str, str, str]
REMEMBERED = 10_000  # uids of objects that have gone


class Collector:
    """Deletes what has lost its owners; finishes foreground and orphan deletions."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._dependents: dict[str, set[Place]] = {}
        self._work: dict[Place, None] = {}
        self._owners_gone: dict[str, None] = {}
        self._absent: dict[str, None] = {}
        for key, objects in store.objects.items():
            for body in objects.values():
                self._index(key, body)
                self._work[_place(key, body)] = None

    def _index(self, key: str, body: Object) -> None:
        for reference in body["metadata"].get("ownerReferences") or ():
            self._dependents.setdefault(reference["uid"], set()).add(_place(key, body))

    def notice(self, change: Change) -> None:
        """Remember what a write may concern."""
        body = change.body
        if change.type == "DELETED":
            self._owners_gone[body["metadata"]["uid"]] = None
            for reference in body["metadata"].get("ownerReferences") or ():
                owner = self._owner(reference, body)
                if owner and owner[1]["metadata"].get("deletionTimestamp"):
                    self._work[_place(*owner)] = None
            return
        self._index(change.key, body)
        if body["metadata"].get("ownerReferences") or body["metadata"].get("finalizers"):
            self._work[_place(change.key, body)] = None

    def collect(self) -> None:
        """Deal with everything noticed."""
        while self._owners_gone or self._work:
            gone, self._owners_gone = self._owners_gone, {}
            self._absent |= gone
            for uid in list(self._absent)[: max(len(self._absent) - REMEMBERED, 0)]:
                del self._absent[uid]
            for uid in gone:
                for place in self._dependents.pop(uid, ()):
                    self._work[place] = None
            work, self._work = self._work, {}
            for place in work:
                body = self._store.get(*place)
                if body is not None:
                    self._settle(place[0], body)

    def _settle(self, key: str, body: Object) -> None:
        metadata = body["metadata"]
        if metadata.get("deletionTimestamp"):
            self._finish(key, body)
        elif references := metadata.get("ownerReferences"):
            kept = [reference for reference in references if not self._is_gone(reference, body)]
            if not kept:
                deletion.begin(self._store, key, body)
            elif len(kept) < len(references):
                self._store.put(key, {**body, "metadata": {**metadata, "ownerReferences": kept}})

    def _is_gone(self, reference: Object, body: Object) -> bool:
        """Whether an owner is known not to exist. Of a kind that is not served nobody knows."""
        if reference["uid"] in self._absent:
            return True
        served = self._kinds.owner(reference["apiVersion"], reference["kind"]) is not None
        return served and self._owner(reference, body) is None

    def _owner(self, reference: Object, body: Object) -> tuple[str, Object] | None:
        kind = self._kinds.owner(reference["apiVersion"], reference["kind"])
        if kind is None:
            return None
        namespace = body["metadata"].get("namespace", "") if kind.namespaced else ""
        owner = self._store.get(kind.key, namespace, reference["name"])
        return (kind.key, owner) if owner and owner["metadata"]["uid"] == reference["uid"] else None

    def _children(self, body: Object) -> list[tuple[str, Object]]:
        uid = body["metadata"]["uid"]
        found = [(place[0], self._store.get(*place)) for place in self._dependents.get(uid, ())]
        # A place may by now be taken by an object that has nothing to do with this one.
        return [(key, each) for key, each in found if each is not None and _refers(each, uid)]

    def _finish(self, key: str, body: Object) -> None:
        finalizers = list(body["metadata"].get("finalizers") or ())
        if "orphan" in finalizers:
            for child_key, child in self._children(body):
                references = [
                    ref for ref in child["metadata"]["ownerReferences"] if ref["uid"] != body["metadata"]["uid"]
                ]
                metadata = {k: v for k, v in child["metadata"].items() if k != "ownerReferences"}
                self._store.put(
                    child_key,
                    {**child, "metadata": {**metadata, **({"ownerReferences": references} if references else {})}},
                )
            finalizers.remove("orphan")
        if "foregroundDeletion" in finalizers:
            waiting = [self._end_child(child_key, child, body) for child_key, child in self._children(body)]
            if not any(waiting):
                finalizers.remove("foregroundDeletion")
        self._store_finalizers(key, body, finalizers)

    def _end_child(self, key: str, child: Object, owner: Object) -> bool:
        """Delete a dependent in the foreground too; whether its owner has to wait for it."""
        finalizers = list(child["metadata"].get("finalizers") or ())
        if self._children(child) and "foregroundDeletion" not in finalizers:
            finalizers.append("foregroundDeletion")
        gone = deletion.begin(self._store, key, child, finalizers)
        references = child["metadata"].get("ownerReferences") or ()
        blocks = any(each["uid"] == owner["metadata"]["uid"] and each.get("blockOwnerDeletion") for each in references)
        return blocks and not gone

    def _store_finalizers(self, key: str, body: Object, finalizers: list[str]) -> None:
        metadata = body["metadata"]
        if not finalizers and key not in ("namespaces", "pods"):  # those end in rooms of their own
            self._store.remove(key, metadata.get("namespace", ""), metadata["name"])
        elif finalizers != (metadata.get("finalizers") or []):
            self._store.put(key, {**body, "metadata": {**metadata, "finalizers": finalizers}})


def _refers(body: Object, uid: str) -> bool:
    return any(each["uid"] == uid for each in body["metadata"].get("ownerReferences") or ())


def _place(key: str, body: Object) -> Place:
    return key, body["metadata"].get("namespace", ""), body["metadata"]["name"]
