"""The loop: every write marks what it concerns; each mark is dealt with once, soon after."""

import asyncio
import logging
from collections.abc import Callable

from ..kinds import Kinds
from ..store import Change, Store
from ..values import Object, controller_of
from . import endpoints, gc, namespaces, nodes, pods, workloads

PAUSE = 0.01  # seconds between marking and dealing, so that a burst is dealt with as one
_log = logging.getLogger(__name__)
Mark = tuple[str, str, str]  # kind's key, namespace, name
_STEPS: dict[str, Callable[[Store, Object], None]] = {
    "deployments.apps": workloads.deployment,
    "replicasets.apps": workloads.replica_set,
    "statefulsets.apps": workloads.stateful_set,
    "pods": pods.pod,
    "services": endpoints.service,
    "nodes": nodes.node,
}


class Life:
    """The loop over one store."""

    def __init__(self, store: Store, kinds: Kinds) -> None:
        self._store = store
        self._collector = gc.Collector(store, kinds)
        self._namespaces = namespaces.Terminator(store, kinds)
        self._marks: dict[Mark, None] = {}
        self._wake = asyncio.Event()
        store.listen(self._notice)
        for key in _STEPS:
            for body in store.each(key):
                self._mark(key, body)

    def _mark(self, key: str, body: Object) -> None:
        metadata = body["metadata"]
        self._marks[key, metadata.get("namespace", ""), metadata["name"]] = None
        self._wake.set()

    def _notice(self, change: Change) -> None:
        key, body = change.key, change.body
        self._collector.notice(change)
        self._namespaces.notice(change)
        if key in _STEPS:
            self._mark(key, body)
        owner = controller_of(body)
        if owner and (parent := _OWNERS.get(owner["kind"])):
            self._marks[parent, body["metadata"].get("namespace", ""), owner["name"]] = None
        if key == "pods":
            for service in endpoints.concerned(self._store, change):
                self._marks["services", service["metadata"]["namespace"], service["metadata"]["name"]] = None
        if key == "nodes" and nodes.placement_changed(change):
            for body in pods.pending(self._store):
                self._mark("pods", body)
        self._wake.set()

    async def run(self) -> None:
        """Live until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(PAUSE)
            self._wake.clear()
            self._collector.collect()
            self._namespaces.finish()
            marks, self._marks = self._marks, {}
            for number, (key, namespace, name) in enumerate(marks):
                if number % 20 == 19:
                    await asyncio.sleep(0)
                self._step(key, namespace, name)

    def _step(self, key: str, namespace: str, name: str) -> None:
        """Deal with one object; one that nothing can be made of is logged and does not stop the others."""
        body = self._store.get(key, namespace, name)
        if body is None:
            return
        try:
            _STEPS[key](self._store, body)
        except Exception:
            _log.exception("nothing can be made of %s %s/%s", key, namespace, name)


_OWNERS = {
    "Deployment": "deployments.apps",
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
}
