"""Objects on disk: a journal of writes, compacted at start and when it has grown. A process killed in mid-write loses
that write only."""

import os
from pathlib import Path
from typing import IO

import orjson

from .store import Change, Store
from .values import Object

AHEAD = 10_000  # versions promised on disk before they are used, so that none is used twice
GROWTH = 8 * 1024 * 1024  # bytes, or three times what the objects take: then it is compacted
_VOLATILE = ("leases.coordination.k8s.io", "kube-node-lease")  # heartbeats: worthless after a restart


class Journal:
    """The journal of a store in a file that only its owner may read. Lines are `[version, kind's key, gone, object]`;
    one without an object promises that versions up to that one may have been used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._promised = self._written = self._limit = 0

    def load(self, store: Store) -> bool:
        """Put what the journal holds into an empty store; whether there was anything."""
        if not self._path.exists():
            return False
        found: dict[str, dict[tuple[str, str], Object]] = {}
        for line in self._path.read_bytes().splitlines():
            try:
                version, key, gone, body = orjson.loads(line)
            except ValueError:
                break  # the write that a kill cut short; nothing follows it
            store.version = max(store.version, version)
            if body is None:
                continue
            place = (body["metadata"].get("namespace", ""), body["metadata"]["name"])
            if gone:
                found.get(key, {}).pop(place, None)
            else:
                found.setdefault(key, {})[place] = body
        for key, objects in found.items():
            for body in objects.values():
                store.load(key, body)
        store.compacted = store.version
        return bool(found)

    def follow(self, store: Store) -> None:
        """Rewrite the journal with what the store holds, then add every write."""
        self._store = store
        self._rewrite()
        store.listen(self._note)

    def _rewrite(self) -> None:
        """Replace the file by one that holds the objects only."""
        self.close()
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            self._promised = self._store.version + AHEAD
            file.write(_line(self._promised, "", False, None))
            for key, objects in self._store.objects.items():
                for (namespace, _), body in objects.items():
                    if (key, namespace) != _VOLATILE:
                        file.write(_line(0, key, False, body))
            self._limit = max(GROWTH, 3 * file.tell())
        fresh.replace(self._path)
        self._written = 0
        self._file = self._path.open("ab", buffering=0)

    def _note(self, change: Change) -> None:
        if self._file is None:
            return
        if change.version >= self._promised:
            self._promised = change.version + AHEAD
            self._file.write(_line(self._promised, "", False, None))
        if (change.key, change.place[0]) != _VOLATILE:
            line = _line(0, change.key, change.type == "DELETED", change.body)
            self._file.write(line)
            self._written += len(line)
        if self._written > self._limit:
            self._rewrite()

    def close(self) -> None:
        """Close the file; later writes are not kept."""
        if self._file:
            self._file.close()
            self._file = None


def _line(version: int, key: str, gone: bool, body: Object | None) -> bytes:
    return orjson.dumps([version, key, gone, body]) + b"\n"
