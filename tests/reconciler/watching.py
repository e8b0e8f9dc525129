"""A watch running in a thread of its own, and what the tests of it share."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F
from django.utils import timezone

from sgportal.cluster import Cluster
from sgportal.core.names import APISERVER
from sgportal.core.shards import all_of
from sgportal.models import Lease, Node, NodeLabel, ResourceSync, WorkKey
from sgportal.reconciler.cache.refresh import BY_RESOURCE
from sgportal.reconciler.informer.reflector import Pace
from sgportal.reconciler.process.turns import Turns
from sgportal.reconciler.watcher import LEASE_SECONDS, Watcher

QUICK = Pace(silence=5.0, recheck=0.2, backoff_first=0.05, backoff_cap=0.3)


@dataclass
class Running:
    """A watch at work. `stop` ends it as SIGTERM would."""

    watcher: Watcher
    thread: threading.Thread
    stopping: threading.Event

    def stop(self) -> float:
        """End it; the seconds it took."""
        began = time.monotonic()
        self.stopping.set()
        self.thread.join(75)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@contextmanager
def a_watch(
    cluster: Cluster | None,
    pace: Pace = QUICK,
    lease_seconds: float = 15.0,
    wait: bool = True,
    connect: Callable[[], Cluster] | None = None,
) -> Iterator[Running]:
    """A running watch; with `wait`, one that has seen everything there is. `connect` gives another cluster each time it
    is asked."""
    began, stopping = timezone.now(), threading.Event()
    watcher = Watcher(connect or (lambda: cluster), pace, lease_seconds)
    thread = threading.Thread(target=watcher.run, args=(stopping,), daemon=True)
    thread.start()
    running = Running(watcher, thread, stopping)
    try:
        if wait:
            synced = ResourceSync.objects.filter(synced_at__gte=began)
            watched = ResourceSync.objects.filter(served=True).exclude(resource=APISERVER)
            until(lambda: synced.count() == watched.count() == len(BY_RESOURCE))
        yield running
    finally:
        running.stop()


def until(check: Callable[[], Any], seconds: float = 75) -> Any:
    """The first true answer of `check`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def unit_of(node: str, key: str = "zone") -> str:
    """The unit the label rows say a node is in, "" for none."""
    found = NodeLabel.objects.filter(node__name=node, key=key).values_list("value", flat=True).first()
    return found or ""


def wishes(path: str) -> int:
    """How often a key was woken."""
    return WorkKey.objects.filter(key=path).values_list("requested", flat=True).first() or 0


def all_done(path: str) -> int:
    """Have everything that was requested of a key be done: what is requested again of one that waits is not counted."""
    WorkKey.objects.filter(key=path).update(done=F("requested"))
    return WorkKey.objects.filter(key=path).values_list("done", flat=True).first() or 0


def node_body(name: str, version: int = 1, ready: str = "True", **labels: str) -> dict[str, Any]:
    """A node as the API server says it."""
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels, "resourceVersion": str(version)},
        "spec": {},
        "status": {"conditions": [{**condition, "lastHeartbeatTime": f"2026-01-01T00:00:{version % 60:02}Z"}]},
    }


def slower(pace: Pace, **changes: float) -> Pace:
    """A pace with some other figures."""
    return replace(pace, **changes)


def node_names() -> list[str]:
    """The nodes we know."""
    return list(Node.objects.values_list("name", flat=True))


@dataclass
class Team:
    """A process with the watches of several shards. `end` ends it as SIGTERM would, `kill` as SIGKILL would."""

    watchers: list[Watcher]
    threads: list[threading.Thread]
    stopping: threading.Event

    @property
    def name(self) -> str:
        """What it is called in leases."""
        return self.watchers[0]._turns.holder

    def kill(self) -> None:
        """End it without a word to others."""
        for watcher in self.watchers:
            watcher._leave = lambda: None  # type: ignore[method-assign]
        self.end()

    def end(self) -> None:
        """End it."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(75)
            assert not thread.is_alive()


@contextmanager
def a_team(cluster: Cluster, count: int, lease_seconds: float = 1.5) -> Iterator[Team]:
    """A running process that watches as many of `count` shards as are for it."""
    turns, stopping = Turns("watch", count, lease_seconds, LEASE_SECONDS), threading.Event()
    watchers = [Watcher(lambda: cluster, QUICK, lease_seconds, shard, turns) for shard in all_of(count)]
    threads = [threading.Thread(target=each.run, args=(stopping,), daemon=True) for each in watchers]
    team = Team(watchers, threads, stopping)
    for thread in threads:
        thread.start()
    try:
        yield team
    finally:
        team.end()


def holders(name: str = "watch") -> dict[str, str]:
    """Who has the lease of which shard."""
    rows = Lease.objects.filter(name__startswith=f"{name} ").values_list("name", "holder")
    return {each.removeprefix(f"{name} "): holder for each, holder in rows}
