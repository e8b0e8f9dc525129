"""A namespace that is deleted takes its contents along."""

from ..kinds import Kinds
from ..store import Change, Store


class Terminator:
    """Empties namespaces that are being deleted, then removes them."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._kinds = kinds
        self._going: set[str] = set()

    def notice(self, change: Change) -> None:
        """Remember a namespace that is to go."""
        if change.key == "namespaces" and change.body["metadata"].get("deletionTimestamp"):
            self._going.add(change.body["metadata"]["name"])

    def finish(self) -> None:
        """Empty and remove what is to go."""
        going, self._going = self._going, set()
        for name in going:
            for kind in self._kinds.every():
                if kind.namespaced:
                    for body in list(self._store.each(kind.key, name)):
                        self._store.remove(kind.key, name, body["metadata"]["name"])
            self._store.remove("namespaces", "", name)
