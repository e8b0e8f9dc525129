"""Objects, their resourceVersions, and the history that watches follow. Stored objects are never changed in place."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson

from .errors import ApiError
from .values import Object

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


Listener = Callable[[Change], None]
Place = tuple[str, str]  # namespace ("" for none), name


@dataclass
class Store:
    """All objects by kind and place. Not thread-safe: one event loop owns it."""

    version: int = 1
    objects: dict[str, dict[Place, Object]] = field(default_factory=dict)
    compacted: int = 0

    def __post_init__(self) -> None:
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

    def put(self, key: str, body: Object) -> Object:
        """Store an object (a copy of its top and metadata, with the next resourceVersion)."""
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(key, {}).get(place)
        self.version += 1
        body = {**body, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        self.objects.setdefault(key, {})[place] = body
        self._publish(Change(self.version, "MODIFIED" if before else "ADDED", key, body, before))
        return body

    def remove(self, key: str, namespace: str, name: str) -> Object | None:
        """Remove an object; what it was, or None."""
        before = self.objects.get(key, {}).pop((namespace, name), None)
        if before is None:
            return None
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

    def check_not_compacted(self, version: int) -> None:
        """Raise 410 for a resourceVersion that history has forgotten."""
        if version < self.compacted:
            raise ApiError(410, f"too old resource version: {version} ({self.compacted + 1})")

    def compact(self) -> None:
        """Forget all history."""
        self._history.clear()
        self.compacted = self.version
