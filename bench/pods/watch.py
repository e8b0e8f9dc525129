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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import rows, stage
from .cluster import changed

GRIDS, RATE, SECONDS = 20, 500, 30.0
PROBES = 20  # a second
PATIENCE = 30.0  # how long what is not stored then is waited for
LIST_SECONDS = 1800


def run(
    world: str = "pods:10000x1000", pods: str = "100000", strangers: str = "0", shards: str = "1"
) -> dict[str, Any]:
    """`{listed, stored, p50, p99, cpu, memory}`: seconds until all is listed, pods that are stored, how far behind in
    ms the rows are while RATE pods a second become ready or cease to be, the CPU of the watches, one for each shard,
    meanwhile in per cent of a core, and what they hold in MiB (PSS)."""
    with watched(world, pods, strangers, shards) as watch:
        found = watch.measure(RATE, SECONDS)
        memory = sum(map(stage.memory, watch.pids))
        return {"listed": watch.listed, "stored": watch.stored, **found, "memory": memory}


@contextlib.contextmanager
def watched(world: str, pods: str, strangers: str, shards: str) -> Iterator["Watched"]:
    """Watches, one for each shard, that have listed `pods:<nodes>x<units>` with so many pods, some of strangers."""
    nodes, units = map(int, world.removeprefix("pods:").split("x"))
    sizes = [nodes, units, GRIDS, int(pods), int(strangers)]
    os.environ["SGPORTAL_SHARDS"] = shards
    with _served(sizes) as port, stage.stage(f"at:{port}"), contextlib.ExitStack() as stack:
        from django.utils import timezone

        from sgportal.management.demo_world import is_mirrored
        from sgportal.models import Pod

        rows.fill(0, units, GRIDS, 0)
        began, since = timezone.now(), time.perf_counter()
        pids = [stack.enter_context(stage.process(stage.command("watch"))) for _ in range(int(shards))]
        stage.wait(lambda: is_mirrored(began), LIST_SECONDS, "the cluster has been listed", pause=0.2)
        listed = time.perf_counter() - since
        stage.wait(lambda: _shared(len(pids)), LIST_SECONDS, "each process has a shard", pause=0.5)
        stage.wait(lambda: is_mirrored(began), LIST_SECONDS, "all of them have been listed", pause=0.2)
        yield Watched(port, pids, int(pods), int(strangers), listed, Pod.objects.count())


def _shared(count: int) -> bool:
    """Whether so many processes act."""
    from sgportal.models import Lease

    name = {"name__startswith": "watch "} if count > 1 else {"name": "watch"}
    return len(set(Lease.objects.filter(**name).values_list("holder", flat=True))) == count


@dataclass(frozen=True)
class Watched:
    """What is measured: processes, by number, that follow the cluster at `port`. `listed` is how many seconds the first
    list took, `stored` how many pods are in rows."""

    port: int
    pids: list[int]
    pods: int
    strangers: int
    listed: float
    stored: int

    def measure(self, rate: float, seconds: float) -> dict[str, Any]:
        """`{p50, p99, probes, late, sent, cpu}` while so many pods a second change: how far behind in ms rows are, of
        how many that were looked at, how many of these were not there in time, how many changes were sent a second, and
        the CPU of all processes in per cent of a core."""
        _ask(self.port, f"rate?rate={rate}")
        time.sleep(5)
        began, before, sent = time.monotonic(), sum(map(seconds_of, self.pids)), _ask(self.port, "count")
        lags, late = _lags(self.port, self.pods, self.strangers, seconds)
        lasted = time.monotonic() - began
        cpu = 100 * (sum(map(seconds_of, self.pids)) - before) / lasted
        sent = (_ask(self.port, "count") - sent) / lasted
        _ask(self.port, "rate?rate=0")
        percentiles = {f"p{share}": stage.percentile(lags, share) for share in (50, 99)}
        return {**percentiles, "probes": len(lags), "late": late, "sent": sent, "cpu": cpu}


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


def seconds_of(pid: int) -> float:
    """What a process has spent of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lags(port: int, pods: int, strangers: int, seconds: float) -> tuple[list[float], int]:
    """How long after a change was sent its row said so, in ms, for some changes of each second; and how many were not
    there in time."""
    from sgportal.models import Pod

    waiting: dict[str, int] = {}  # the change by the pod's uid
    stored: dict[int, float] = {}
    until, last = time.monotonic() + seconds, 0.0
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
    return [*((at - sent_at[each]) * 1000 for each, at in stored.items()), *late], len(late)
