"""Objects, their resourceVersions, and the history that watches follow. Stored objects are never changed in place."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from .errors import ApiError
from .values import Object, controller_of

HISTORY = 20_000  # events kept for watches; older resourceVersions answer 410


@dataclass(slots=True)
class Change:
    """One write: ADDED, MODIFIED or DELETED, the object after and before it."""

    version: int
    type: str
    key: str
    body: Object
    before: Object | None
    _bytes: bytes = b""

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
Place = tuple[str, str]  # namespace ("" for none), name


@dataclass
class Store:
    """All objects by kind and place. Not thread-safe: one event loop owns it."""

    version: int = 1
    objects: dict[str, dict[Place, Object]] = field(default_factory=dict)
    compacted: int = 0

    def __post_init__(self) -> None:
        self._children: dict[str, dict[tuple[str, str, str], None]] = {}
        self._on_node: dict[str, dict[Place, None]] = {}
        self._history: deque[Change] = deque()
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

    def children(self, key: str, uid: str) -> list[Object]:
        """The objects of a kind that the object with this uid controls."""
        places = self._children.get(uid, {})
        found = (self.get(*place) for place in tuple(places) if place[0] == key)
        return [body for body in found if body is not None]

    def pods_on(self, node: str) -> list[Object]:
        """The pods that are on a node."""
        found = (self.get("pods", *place) for place in tuple(self._on_node.get(node, {})))
        return [body for body in found if body is not None]

    def count_on(self, node: str) -> int:
        """How many pods are on a node."""
        return len(self._on_node.get(node, {}))

    def index(self, key: str, body: Object, present: bool = True) -> None:
        """Keep the look-ups by controller and by node true for an object that was put or removed."""
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        controller = controller_of(body)
        if controller:
            _keep(self._children, controller["uid"], (key, *place), present)
        if key == "pods" and body["spec"].get("nodeName"):
            _keep(self._on_node, body["spec"]["nodeName"], place, present)

    def put(self, key: str, body: Object) -> Object:
        """Store an object (a copy of its top and metadata, with the next resourceVersion)."""
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(key, {}).get(place)
        self.version += 1
        body = {**body, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.objects.setdefault(key, {})[place] = body
        if before:
            self.index(key, before, present=False)
        self.index(key, body)
        self._publish(Change(self.version, "MODIFIED" if before else "ADDED", key, body, before))
        return body

    def remove(self, key: str, namespace: str, name: str) -> Object | None:
        """Remove an object; what it was, or None."""
        before = self.objects.get(key, {}).pop((namespace, name), None)
        if before is None:
            return None
        self.index(key, before, present=False)
        self.version += 1
        body = {**before, "metadata": {**before["metadata"], "resourceVersion": str(self.version)}}
        self._publish(Change(self.version, "DELETED", key, body, before))
        return before

    def _publish(self, change: Change) -> None:
        self._history.append(change)
        while len(self._history) > HISTORY:
            self.compacted = self._history.popleft().version
        for listener in tuple(self._listeners):
            listener(change)

    def since(self, key: str, version: int) -> list[Change]:
        """The writes to a kind after `version`. Raises 410 where they are forgotten."""
        self.check_not_compacted(version)
        return [change for change in self._history if change.version > version and change.key == key]

    def at(self, key: str, version: int) -> dict[Place, Object]:
        """The objects of a kind as they were at a resourceVersion. Raises 410 where it is forgotten."""
        self.check_not_compacted(version)
        objects = self.objects.get(key, {})
        later = [change for change in self._history if change.version > version and change.key == key]
        if not later:
            return objects
        objects = dict(objects)
        for change in reversed(later):
            place = (change.body["metadata"].get("namespace", ""), change.body["metadata"]["name"])
            if change.before is None:
                objects.pop(place, None)
            else:
                objects[place] = change.before
        return objects

    def check_not_compacted(self, version: int) -> None:
        """Raise 410 for a resourceVersion that history has forgotten."""
        if version < self.compacted:
            raise ApiError(410, f"too old resource version: {version} ({self.compacted + 1})")

    def compact(self) -> None:
        """Forget all history."""
        self._history.clear()
        self.compacted = self.version


def _keep(index: dict[str, dict[Any, None]], under: str, place: Any, present: bool) -> None:
    if present:
        index.setdefault(under, {})[place] = None
        return
    members = index.get(under, {})
    members.pop(place, None)
    if not members:
        index.pop(under, None)
