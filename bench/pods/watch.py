"""The watch under a hundred thousand pods of which five hundred change each second: how far the rows are behind, and
what that costs."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import rows, stage
from .cluster import changed

GRIDS, RATE, SECONDS = 20, 500, 30.0
PROBES = 20  # a second
PATIENCE = 30.0  # how long what is not stored then is waited for


def run(world: str = "pods:10000x1000", pods: str = "100000", strangers: str = "0") -> dict[str, Any]:
    """`{listed, stored, p50, p99, cpu, memory}`: seconds until all is listed, pods that are stored, how far behind in
    ms the rows are while RATE pods a second become ready or cease to be, the watch's CPU meanwhile in per cent of a
    core, and what it holds in MiB (PSS)."""
    nodes, units = map(int, world.removeprefix("pods:").split("x"))
    sizes = [nodes, units, GRIDS, int(pods), int(strangers)]
    with _served(sizes) as port, stage.stage(f"at:{port}"):
        from django.utils import timezone

        from sgportal.management.demo_world import is_mirrored
        from sgportal.models import Pod

        rows.fill(0, units, GRIDS, 0)
        began, since = timezone.now(), time.perf_counter()
        with stage.process(stage.command("watch")) as pid:
            stage.wait(lambda: is_mirrored(began), 480, "the cluster has been listed", pause=0.2)
            listed = time.perf_counter() - since
            stored = Pod.objects.count()
            _ask(port, f"rate?rate={RATE}")
            time.sleep(5)
            before = _seconds(pid)
            lags = _lags(port, int(pods), int(strangers))
            cpu = 100 * (_seconds(pid) - before) / SECONDS
            _ask(port, "rate?rate=0")
            return {
                "listed": listed,
                "stored": stored,
                "p50": stage.percentile(lags, 50),
                "p99": stage.percentile(lags, 99),
                "probes": len(lags),
                "cpu": cpu,
                "memory": stage.memory(pid),
            }


@contextlib.contextmanager
def _served(sizes: list[int]) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.pods.cluster", *map(str, sizes)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own
    try:
        yield int((process.stdout or sys.stdin).readline())
    finally:
        process.terminate()
        process.wait(10)


def _ask(port: int, what: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}") as answer:
        return json.load(answer)


def _seconds(pid: int) -> float:
    """What a process has spent of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lags(port: int, pods: int, strangers: int) -> list[float]:
    """How long after a change was sent its row said so, in ms, for some changes of each second."""
    from sgportal.models import Pod

    waiting: dict[str, int] = {}  # the change by the pod's uid
    stored: dict[int, float] = {}
    until, last = time.monotonic() + SECONDS, 0.0
    while time.monotonic() < until or waiting:
        if time.monotonic() > until + PATIENCE:
            break
        if last + 1 / PROBES < time.monotonic() < until:
            last = time.monotonic()
            sent = _ask(port, "count")
            change = next(each for each in range(sent + 5, sent + 5000) if changed(each, pods) < pods - strangers)
            waiting[f"p{changed(change, pods)}"] = change
        found = Pod.objects.filter(uid__in=waiting).values_list("uid", "restarts")
        for uid, change in list(found):
            if change >= waiting[uid]:
                stored[waiting.pop(uid)] = time.time()
        time.sleep(0.005)
    sent_at = _ask(port, "changes")
    now = time.time()
    late = [(now - sent_at[each]) * 1000 for each in waiting.values() if each < len(sent_at)]
    return [*((at - sent_at[each]) * 1000 for each, at in stored.items()), *late]
