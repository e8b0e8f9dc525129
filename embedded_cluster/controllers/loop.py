"""The loop: every write marks what it concerns; each mark is dealt with once, soon after."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from ..admission.pods import LIMIT_RANGES
from ..admission.quota import is_counted_anew
from ..kinds.served import Kinds
from ..nodes import nodes, pods
from ..objects.store import Change, Store
from ..objects.values import Object, controller_of
from . import budgets, daemonsets, deployments, endpoints, gc, jobs, namespaces, quotas, replicasets, statefulsets
from .children import is_maturing

PAUSE = 0.01  # seconds between marking and dealing, so that a burst is dealt with as one
SERVICE_PAUSE = 0.1  # seconds at least between two looks at the same burst of endpoints
HEARTBEAT = 10.0  # seconds between the heartbeats of a node; more where there are many nodes
STATUS_EVERY = 300.0  # seconds between the statuses that a kubelet posts although nothing has changed
NODES_A_SECOND = 20  # heartbeats that may be written a second
EVENT_HOURS = 1.0  # how long Events are kept (the API server's --event-ttl)
_log = logging.getLogger(__name__)
Mark = tuple[str, str, str]  # kind's key, namespace, name
Step = Callable[[Store, Object], float | None]  # deals with one object; in how many seconds to look again
_STEPS: dict[str, Step] = {
    deployments.KEY: deployments.deployment,
    replicasets.KEY: replicasets.replica_set,
    replicasets.OLD_KEY: replicasets.replication_controller,
    statefulsets.KEY: statefulsets.stateful_set,
    daemonsets.KEY: daemonsets.daemon_set,
    jobs.KEY: jobs.job,
    "pods": pods.pod,
    "services": endpoints.service,
    "nodes": nodes.node,
    quotas.KEY: quotas.quota,
    budgets.KEY: budgets.budget,
}
_OWNERS = {
    "Deployment": deployments.KEY,
    "ReplicaSet": replicasets.KEY,
    "ReplicationController": replicasets.OLD_KEY,
    "StatefulSet": statefulsets.KEY,
    "DaemonSet": daemonsets.KEY,
    "Job": jobs.KEY,
}

_ADMITTING = (quotas.KEY, LIMIT_RANGES, "serviceaccounts", "priorityclasses.scheduling.k8s.io")


def _place(body: Object) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


class Life:
    """The loop over one store."""

    def __init__(self, store: Store, kinds: Kinds, authority: str = "") -> None:
        """`authority` is the certificate of who signs for the API server, as PEM: every namespace gets it."""
        self._store = store
        self._steps: dict[str, Step] = {
            **_STEPS,
            "namespaces": partial(namespaces.furnish, authority),
        }
        self._collector = gc.Collector(store, kinds)
        self._namespaces = namespaces.Terminator(store, kinds)
        self._marks: dict[Mark, None] = {}
        self._services: dict[Mark, None] = {}
        self._wake = asyncio.Event()
        store.listen(self._notice)
        for key in self._steps:
            for body in store.each(key):
                self._mark(key, body)

    def _mark(self, key: str, body: Object) -> None:
        self._mark_place((key, *_place(body)))

    def _mark_place(self, mark: Mark) -> None:
        (self._services if mark[0] == "services" else self._marks)[mark] = None
        self._wake.set()

    def _notice(self, change: Change) -> None:
        """Mark what a write concerns. Raises nothing: the writer is not to blame for what others make of it."""
        try:
            self._collector.notice(change)
            self._namespaces.notice(change)
            if change.key == "services" and change.type == "DELETED":
                endpoints.forget(self._store, *change.place)
            for mark in self._concerned(change):
                self._mark_place(mark)
        except Exception:
            _log.exception("a write to %s %s concerns nobody", change.key, change.place)
        self._wake.set()

    def _concerned(self, change: Change) -> Iterator[Mark]:
        key, body = change.key, change.body
        if delay := pods.later(change):
            asyncio.get_running_loop().call_later(delay, self._mark_place, (key, *change.place))
        elif key in self._steps:
            yield (key, *change.place)
        owner = controller_of(body)
        if owner and (parent := _OWNERS.get(owner["kind"])):
            yield (parent, change.place[0], owner["name"])
        if key == "pods":
            for service in endpoints.concerned(self._store, change):
                yield ("services", *_place(service))
            for budget in budgets.concerned(self._store, change):
                yield (budgets.KEY, *_place(budget))
        if change.type == "DELETED" and namespaces.is_furniture(change):
            yield ("namespaces", "", change.place[0])
        if is_counted_anew(key, change.before, body) or change.type == "DELETED":
            yield from (
                (quotas.KEY, *place) for place in self._store.objects.get(quotas.KEY, ()) if place[0] == change.place[0]
            )
        if key in _ADMITTING:
            yield from self._refused(change.place[0])
        if key == "pods" and change.type != "ADDED" and (change.type == "DELETED" or pods.is_over(body)):
            yield from (("pods", *place) for place in self._store.indexes.on_node(""))
        if key == "nodes" and nodes.placement_changed(change):
            yield from self._waiting(change)

    def _refused(self, namespace: str) -> Iterator[Mark]:
        """The workloads that have fewer pods than they want, where admission may have changed its mind."""
        for key in _OWNERS.values():
            for body in self._store.each(key, namespace):
                wanted, status = (body.get("spec") or {}).get("replicas"), body.get("status") or {}
                if wanted is None or status.get("replicas", 0) < wanted:
                    yield (key, *_place(body))

    def _waiting(self, change: Change) -> Iterator[Mark]:
        """What may be placed anew where a node has changed."""
        lonely = self._store.indexes.on_node("")
        stranded = self._store.indexes.on_node(change.place[1]) if change.type == "DELETED" else []
        yield from (("pods", *place) for place in (*lonely, *stranded))
        yield from ((daemonsets.KEY, *place) for place in self._store.objects.get(daemonsets.KEY, {}))

    async def run(self) -> None:
        """Live until cancelled."""
        beats = asyncio.ensure_future(self._beat())
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(PAUSE)
                self._wake.clear()
                await self._turn()
        finally:
            beats.cancel()

    async def _turn(self) -> None:
        """Deal with everything that is marked."""
        try:
            self._collector.collect()
            self._namespaces.finish()
        except Exception:
            _log.exception("the garbage collector failed")
        marks, self._marks = self._marks, {}
        if not marks:
            # Endpoints of a burst of pods are counted when it is over, or else every so often.
            marks, self._services = self._services, {}
        elif self._services:
            asyncio.get_running_loop().call_later(SERVICE_PAUSE, self._serve)
        for number, mark in enumerate(marks):
            if number % 20 == 19:
                await asyncio.sleep(0)
            self._step(mark)
        if self._services:
            self._wake.set()

    def _serve(self) -> None:
        services, self._services = self._services, {}
        for mark in services:
            self._step(mark)

    def _step(self, mark: Mark) -> None:
        """Deal with one object; one that nothing can be made of is logged and does not stop the others."""
        body = self._store.get(*mark)
        if body is None:
            return
        try:
            again = self._steps[mark[0]](self._store, body)
            if again is not None:
                asyncio.get_running_loop().call_later(again, self._mark_place, mark)
        except Exception:
            _log.exception("nothing can be made of %s %s/%s", *mark)

    async def _beat(self) -> None:
        """Heartbeats of nodes, and what only time brings about: deadlines of rollouts, the end of old Events."""
        loop = asyncio.get_running_loop()
        posted = loop.time()
        while True:
            begun, names = loop.time(), list(self._store.objects.get("nodes", {}))
            pause = max(HEARTBEAT, len(names) / NODES_A_SECOND)
            post = begun - posted > STATUS_EVERY
            posted = begun if post else posted
            for number, place in enumerate(names):
                if number % 20 == 19:
                    await asyncio.sleep(1)
                if body := self._store.get("nodes", *place):
                    nodes.renew_lease(self._store, body, pause)
                    if post:
                        nodes.post_status(self._store, body)
            for body in self._store.each(deployments.KEY):
                if deployments.is_waiting(body):
                    self._mark(deployments.KEY, body)
            for key in (replicasets.KEY, statefulsets.KEY):
                for body in self._store.each(key):
                    if is_maturing(body):
                        self._mark(key, body)
            self._forget_events()
            await asyncio.sleep(max(begun + pause - loop.time(), 1.0))

    def _forget_events(self) -> None:
        oldest = (datetime.now(UTC) - timedelta(hours=EVENT_HOURS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        old = [each for each in self._store.each("events") if each["metadata"]["creationTimestamp"] < oldest]
        for each in old:
            self._store.remove("events", each["metadata"]["namespace"], each["metadata"]["name"])
