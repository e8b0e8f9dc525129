"""What a benchmark learns from a watch of its own."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from .stage import in_background


def follow(cluster: Any, kind: str, learn: Callable[[Any], Any]) -> None:
    """Learn from every change from now on, in a thread. An API server ends the watch of whoever is slow to read: what
    changed meanwhile is learnt from a list."""
    from sgportal.cluster import Expired, Unreachable, WatchEvent

    known = {_place(body): body for body in cluster.list(kind, metadata_only=True).items}

    def changed(event: Any) -> None:
        known[_place(event.body)] = event.body
        if event.type == "DELETED":
            del known[_place(event.body)]
        learn(event)

    def catch_up() -> str:
        listed = cluster.list(kind)
        there = {_place(body): body for body in listed.items}
        for place, body in there.items():
            if place not in known:
                changed(WatchEvent("ADDED", body))
            elif _version(known[place]) != _version(body):
                changed(WatchEvent("MODIFIED", body))
        for place in known.keys() - there.keys():
            changed(WatchEvent("DELETED", known[place]))
        return str(listed.resource_version)

    def run() -> None:
        while True:
            with (
                contextlib.suppress(Expired, Unreachable),
                cluster.watch(kind, catch_up(), timeout_seconds=3600) as events,
            ):
                for event in events:
                    if event.type != "BOOKMARK":
                        changed(event)
            time.sleep(0.05)

    in_background(run)


def _place(body: dict[str, Any]) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _version(body: dict[str, Any]) -> str:
    return str(body["metadata"]["resourceVersion"])
