"""Look-ups over stored objects that the life needs often: by controller, by label, by node, by selector."""

from collections.abc import Iterable
from typing import Any

from .values import Object, controller_of, labels_of

Place = tuple[str, str]  # namespace ("" for none), name
_ADOPTABLE = {"pods", "replicasets.apps"}
_LABELLED = {"pods", "nodes"}


class Indexes:
    """Places of objects by what they say of themselves. Who stores an object keeps them true with `note`."""

    def __init__(self) -> None:
        self._children: dict[str, dict[tuple[str, Place], None]] = {}
        self._orphans: dict[str, dict[Place, None]] = {}
        self._labels: dict[tuple[str, str, str, str], dict[Place, None]] = {}
        self._on_node: dict[str, dict[Place, None]] = {}
        self._selecting: dict[tuple[str, str, str], dict[Place, None]] = {}

    def note(self, key: str, body: Object, present: bool) -> None:
        """An object is there, or is no longer."""
        metadata = body["metadata"]
        place = (metadata.get("namespace", ""), metadata["name"])
        controller = controller_of(body)
        if controller:
            _keep(self._children, controller["uid"], (key, place), present)
        elif key in _ADOPTABLE:
            _keep(self._orphans, key, place, present)
        if key in _LABELLED:
            for label, value in labels_of(body).items():
                _keep(self._labels, (key, place[0], label, value), place, present)
        if key == "pods":
            _keep(self._on_node, body["spec"].get("nodeName") or "", place, present)
        if key == "services" and (selector := (body.get("spec") or {}).get("selector")):
            _keep(self._selecting, (place[0], *min(selector.items())), place, present)

    def children(self, key: str, uid: str) -> list[Place]:
        """The places of a kind's objects that the object with this uid controls."""
        return [place for kind, place in self._children.get(uid, ()) if kind == key]

    def orphans(self, key: str) -> list[Place]:
        """The places of a kind's objects that nobody controls (pods and ReplicaSets only)."""
        return list(self._orphans.get(key, ()))

    def labelled(self, key: str, namespace: str, labels: dict[str, str]) -> list[Place]:
        """The places of pods or nodes that have the rarest of these labels: all that have them all, and some more."""
        members = [self._labels.get((key, namespace, label, value), {}) for label, value in labels.items()]
        return min((list(each) for each in members), key=len, default=[])

    def on_node(self, node: str) -> list[Place]:
        """The places of the pods on a node; of those without one for ""."""
        return list(self._on_node.get(node, ()))

    def count_on(self, node: str) -> int:
        """How many pods are on a node."""
        return len(self._on_node.get(node, ()))

    def selecting(self, namespace: str, labels: dict[str, str]) -> Iterable[Place]:
        """The places of Services whose selector names at least one of these labels."""
        for label, value in labels.items():
            yield from tuple(self._selecting.get((namespace, label, value), ()))


def _keep(index: dict[Any, dict[Any, None]], under: Any, place: Any, present: bool) -> None:
    if present:
        index.setdefault(under, {})[place] = None
        return
    members = index.get(under, {})
    members.pop(place, None)
    if not members:
        index.pop(under, None)
