"""Minutes without a keeper, under connections from every node, while what always changes at the edge goes on: pods die,
are rolled and scaled, and one node is in another unit by its label for half of the time."""

import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

UNITS = {"node0": "u1", "node1": "u2", "node2": "u2", "node3": "u3"}
MOVED, HOME, ELSEWHERE = "node2", "u2", "u1"
EVERY = 15.0  # seconds between two changes
PAUSE = 0.02  # seconds between two calls of a node
SERVICE = "web"


def run(minutes: str) -> dict[str, Any]:
    """`{connections, answered, refused, timeout, foreign, moved, back}`: calls in all, of units with ready pods by what
    became of them, answered from another unit, of and by the node whose label had moved, and seconds after a keeper was
    started until the proof says of every node what its labels say."""
    from tests.closed_loop.edge import edge
    from tests.services import run_redis

    with (
        tempfile.TemporaryDirectory(prefix="sgportal-bench-") as name,
        run_redis(Path(name)) as redis,
        edge(Path(name), "nftables", list(UNITS), redis.url) as here,
    ):
        return _measured(here, float(minutes) * 60)


def _measured(here: Any, seconds: float) -> dict[str, Any]:
    from tests.closed_loop.test_never_a_leak import manifest, service

    for node, unit in UNITS.items():
        here.label(node, zone1=unit)
    here.post("deploymentgrids", manifest())
    here.post("servicegrids", service())
    here.net.wait(lambda: len(here.running("app%3Dweb")) == 4, 60, "the pods run")
    here.until_proved(SERVICE, {node: "refusing" if unit == "u3" else "closed" for node, unit in UNITS.items()})
    target = f"{here.address(f'{SERVICE}-svc')}:80"
    here.portal.kill("keeper")
    caller = here.net.caller(target, {node: here.net.namespace(node) for node in UNITS}, pause=PAUSE)
    spells = _changes(here, time.time() + seconds)
    calls = caller.stop()
    here.start("keeper")
    began = time.monotonic()
    here.until_proved(SERVICE, {"node0": "closed", "node1": "closed", "node2": "closed", "node3": "refusing"})
    return {**_judged(calls, spells), "back": time.monotonic() - began}


def _changes(here: Any, until: float) -> list[tuple[float, float]]:
    """Change one thing after another; the times in which the node had another unit's label."""
    from tests.closed_loop.test_never_a_leak import GRID, manifest

    def replicas(number: int) -> None:
        here.change(GRID, {"spec": {"template": {"replicas": number}}})

    def kill() -> None:
        pod = here.running("app%3Dweb")[0]["metadata"]["name"]
        here.net.request("DELETE", f"/api/v1/namespaces/default/pods/{pod}")

    images = cycle(("img:2", "img:1"))
    roll = lambda: here.change(GRID, {"spec": {"template": manifest(next(images))["spec"]["template"]}})  # noqa: E731
    spells: list[tuple[float, float]] = []
    changes = cycle((lambda: replicas(3), kill, lambda: replicas(2), kill, roll))
    while time.time() < until:
        began = time.time()
        here.label(MOVED, zone1=ELSEWHERE)
        next(changes)()
        time.sleep(EVERY / 2)
        here.label(MOVED, zone1=HOME)
        spells.append((began, time.time()))
        time.sleep(EVERY / 2)
    return spells


def _judged(calls: Any, spells: list[tuple[float, float]]) -> dict[str, int]:
    found = Counter(connections=len(calls))
    for call in calls:
        away = any(begin <= call.start <= end for begin, end in spells)
        unit = UNITS[call.source]
        if call.node and MOVED in (call.source, call.node) and away:
            found["moved"] += call.source != call.node
        elif call.node:
            found["answered" if UNITS[call.node] == unit else "foreign"] += 1
        elif unit != "u3":
            found[call.error] += 1
    names = ("connections", "answered", "refused", "timeout", "foreign", "moved")
    return {name: found[name] for name in names}
