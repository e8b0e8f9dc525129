"""Objects, their resourceVersions, and the history that watches follow. Stored objects are never changed in place."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import orjson

from .errors import ApiError
from .indexes import Indexes, Place
from .values import Object

HISTORY = 10_000  # writes of one kind kept for watches and pages; older resourceVersions answer 410


@dataclass(slots=True)
class Change:
    """One write: ADDED, MODIFIED or DELETED, the object after and before it."""

    version: int
    type: str
    key: str
    body: Object
    before: Object | None
    _bytes: bytes = b""

    @property
    def place(self) -> Place:
        """Where the object is, or was."""
        return self.body["metadata"].get("namespace", ""), self.body["metadata"]["name"]

    def encoded(self) -> bytes:
        """The object as JSON, made once for all watches."""
        if not self._bytes:
            self._bytes = orjson.dumps(self.body)
        return self._bytes

    def left(self) -> Object:
        """What a watch shows of an object that has left its selector: its last state in there, under the new version
        (as the API server's watch cache has it)."""
        before = self.before or self.body
        metadata = {**before["metadata"], "resourceVersion": self.body["metadata"]["resourceVersion"]}
        return {**before, "metadata": metadata}


Listener = Callable[[Change], None]


@dataclass
class Store:
    """All objects by kind and place. Not thread-safe: one event loop owns it."""

    version: int = 1
    objects: dict[str, dict[Place, Object]] = field(default_factory=dict)
    compacted: int = 0

    def __post_init__(self) -> None:
        self.indexes = Indexes()
        self._history: dict[str, deque[Change]] = {}
        self._forgotten: dict[str, int] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after every write; the answer stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, key: str, namespace: str, name: str) -> Object | None:
        """The object at a place, or None."""
        return self.objects.get(key, {}).get((namespace, name))

    def each(self, key: str, namespace: str = "") -> Iterator[Object]:
        """The objects of a kind, in no particular order."""
        for place, body in self.objects.get(key, {}).items():
            if not namespace or place[0] == namespace:
                yield body

    def at_places(self, key: str, places: Iterable[Place]) -> list[Object]:
        """The objects at these places."""
        objects = self.objects.get(key, {})
        return [objects[place] for place in places if place in objects]

    def children(self, key: str, uid: str) -> list[Object]:
        """The objects of a kind that the object with this uid controls."""
        return self.at_places(key, self.indexes.children(key, uid))

    def pods_on(self, node: str) -> list[Object]:
        """The pods on a node; those without one for ""."""
        return self.at_places("pods", self.indexes.on_node(node))

    def load(self, key: str, body: Object) -> None:
        """Put an object as it was kept elsewhere: no new version, nobody is told."""
        place = (body["metadata"].get("namespace", ""), body["metadata"]["name"])
        self.objects.setdefault(key, {})[place] = body
        self.indexes.note(key, body, present=True)

    def put(self, key: str, body: Object) -> Object:
        """Store an object (a copy of its top and metadata, with the next resourceVersion)."""
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(key, {}).get(place)
        self.version += 1
        body = {**body, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.objects.setdefault(key, {})[place] = body
        if before:
            self.indexes.note(key, before, present=False)
        self.indexes.note(key, body, present=True)
        self._publish(Change(self.version, "MODIFIED" if before else "ADDED", key, body, before))
        return body

    def remove(self, key: str, namespace: str, name: str) -> Object | None:
        """Remove an object; what it was, or None."""
        before = self.objects.get(key, {}).pop((namespace, name), None)
        if before is None:
            return None
        self.indexes.note(key, before, present=False)
        self.version += 1
        body = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
        self._publish(Change(self.version, "DELETED", key, body, before))
        return before

    def _publish(self, change: Change) -> None:
        history = self._history.setdefault(change.key, deque())
        history.append(change)
        while len(history) > HISTORY:
            self._forgotten[change.key] = history.popleft().version
        for listener in tuple(self._listeners):
            listener(change)

    def since(self, key: str, version: int) -> list[Change]:
        """The writes to a kind after `version`. Raises 410 where they are forgotten."""
        self._check_remembered(key, version)
        return [change for change in self._history.get(key, ()) if change.version > version]

    def at(self, key: str, version: int) -> dict[Place, Object]:
        """The objects of a kind as they were at a resourceVersion. Raises 410 where it is forgotten."""
        objects, later = self.objects.get(key, {}), self.since(key, version)
        if not later:
            return objects
        objects = dict(objects)
        for change in reversed(later):
            if change.before is None:
                objects.pop(change.place, None)
            else:
                objects[change.place] = change.before
        return objects

    def _check_remembered(self, key: str, version: int) -> None:
        oldest = max(self.compacted, self._forgotten.get(key, 0))
        if version < oldest:
            raise ApiError(410, f"too old resource version: {version} ({oldest + 1})")

    def kept(self) -> "Store":
        """Everything as it is now, to go back to."""
        return Store(self.version, {key: dict(objects) for key, objects in self.objects.items()})

    def rewind(self, kept: "Store") -> None:
        """Go back, as where etcd is restored: versions are counted from there again, and nobody is told."""
        self.version, self.compacted = kept.version, kept.version
        self._history.clear()
        self._forgotten.clear()
        self.objects.clear()
        self.indexes = Indexes()
        for key, objects in kept.objects.items():
            for body in objects.values():
                self.load(key, body)

    def compact(self) -> None:
        """Forget all history."""
        self._history.clear()
        self.compacted = self.version
