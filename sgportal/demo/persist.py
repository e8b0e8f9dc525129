"""Objects on disk: a journal of writes, compacted at start. A process killed in mid-write loses that write only."""

import os
from pathlib import Path
from typing import IO

import orjson

from .store import Change, Store
from .values import Object


class Journal:
    """The journal of a store in a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def load(self, store: Store) -> bool:
        """Put what the journal holds into an empty store; whether there was anything."""
        if not self._path.exists():
            return False
        for line in self._path.read_bytes().splitlines():
            try:
                version, key, gone, body = orjson.loads(line)
            except ValueError:
                break  # the write that a kill cut short; nothing follows it
            place = (body["metadata"].get("namespace", ""), body["metadata"]["name"])
            if gone:
                store.objects.get(key, {}).pop(place, None)
            else:
                store.objects.setdefault(key, {})[place] = body
            store.version = max(store.version, version)
        store.compacted = store.version
        for key, objects in store.objects.items():
            for body in objects.values():
                store.index(key, body)
        return bool(store.objects)

    def follow(self, store: Store) -> None:
        """Rewrite the journal with what the store holds, then add every write."""
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for key, objects in store.objects.items():
                for body in objects.values():
                    file.write(_line(int(body["metadata"]["resourceVersion"]), key, False, body))
        fresh.replace(self._path)
        self._file = self._path.open("ab", buffering=0)
        store.listen(self._note)

    def _note(self, change: Change) -> None:
        if self._file:
            self._file.write(_line(change.version, change.key, change.type == "DELETED", change.body))

    def close(self) -> None:
        """Close the file; later writes are not kept."""
        if self._file:
            self._file.close()
            self._file = None


def _line(version: int, key: str, gone: bool, body: Object) -> bytes:
    return orjson.dumps([version, key, gone, body]) + b"\n"
