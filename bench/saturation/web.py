"""One web process under as many requests as it answers, while cells change, so that nothing that it kept is of use."""

import http.client
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.services import connects, free_port, wait_for

from .. import live, rows, stage
from ..pages import READS
from ..pods.watch import seconds_of

GRIDS, SECONDS, CLIENTS = 20, 10.0, 8


def run(world: str = "rows:10000x1000") -> dict[str, Any]:
    """`{read: {rate, p95, cpu, a_core}}`: requests a second, ms, the CPU of the web process in per cent of a core, and
    how many requests a second come to one core."""
    nodes, units = map(int, world.removeprefix("rows:").split("x"))
    with stage.stage("large:1x1"):
        rows.fill(nodes, units, GRIDS, 10 * nodes)
        port, said = free_port(), live.cookie()
        os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
        with stage.process([*stage.command("web"), "--port", str(port)]) as pid:
            wait_for(lambda: connects(port), 60, "the web process listens")
            over = threading.Event()
            changing = stage.in_background(lambda: live.change(over))
            found = {name: _measure(port, said, pid, path) for name, path in READS.items()}
            over.set()
            changing.join()
            return found


def _measure(port: int, said: str, pid: int, path: str) -> dict[str, float]:
    _client(port, said, path, time.monotonic() + 1)
    before, until = seconds_of(pid), time.monotonic() + SECONDS
    with ThreadPoolExecutor(CLIENTS) as pool:
        times = [each for some in pool.map(lambda _: _client(port, said, path, until), range(CLIENTS)) for each in some]
    cpu = seconds_of(pid) - before
    figures = {"rate": len(times) / SECONDS, "p95": stage.percentile(times, 95)}
    return {**figures, "cpu": 100 * cpu / SECONDS, "a_core": len(times) / cpu}


def _client(port: int, said: str, path: str, until: float) -> list[float]:
    """Asks one after the other; how long each took, in ms."""
    link = http.client.HTTPConnection("127.0.0.1", port)
    times = []
    while time.monotonic() < until:
        since = time.perf_counter()
        link.request("GET", path, headers={"Cookie": said, "Accept-Encoding": "gzip"})
        answer = link.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        times.append((time.perf_counter() - since) * 1000)
    link.close()
    return times
