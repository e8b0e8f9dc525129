"""Live pages: many browsers watch the overview while pods change; what the web process spends on them."""

import asyncio
import os
import re
import threading
import time
from pathlib import Path
from typing import Any

from tests.services import connects, free_port, wait_for

from . import rows, stage

BROWSERS = 200
CHANGES = 50  # a second
SECONDS = 20.0
SETTLE, AT_LAST, PACE, BURST = 0.35, 1.0, 3.0, 2  # as in static/live.js
GRIDS = 10


def run(world: str = "rows:2000x200") -> dict[str, Any]:
    """`{browsers, changes, cpu, rest, parts, bytes, p50, p95}`: the CPU of the web process in per cent of a core, while
    cells change and before; parts read a second, how large one is as sent, and from a change that a browser heard of to
    its part, in ms. Every browser does as static/live.js: one stream of events, and its part after what it heard."""
    nodes, units = map(int, world.removeprefix("rows:").split("x"))
    with stage.stage("large:1x1"):
        rows.fill(nodes, units, GRIDS, nodes)
        port, said = free_port(), cookie()
        os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
        with stage.process([*stage.command("web"), "--port", str(port)]) as pid:
            wait_for(lambda: connects(port), 60, "the web process listens")
            return asyncio.run(_watch(port, said, pid))


def cookie() -> str:
    """The cookie of an administrator who is logged in."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada"))
    return f"sessionid={client.cookies['sessionid'].value}"


async def _watch(port: int, cookie: str, pid: int) -> dict[str, Any]:
    browsers = [_Browser(port, cookie) for _ in range(BROWSERS)]
    tasks = [asyncio.create_task(each.live()) for each in browsers]
    await asyncio.sleep(8)
    rest = await _cpu(pid, 5.0)
    over = threading.Event()
    changing = stage.in_background(lambda: change(over))
    await asyncio.sleep(3)
    for each in browsers:
        each.times.clear()
    busy = await _cpu(pid, SECONDS)
    over.set()
    await asyncio.to_thread(changing.join)
    times = [time for each in browsers for time in each.times]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "browsers": BROWSERS,
        "changes": CHANGES,
        "cpu": busy,
        "rest": rest,
        "parts": len(times) / SECONDS,
        "bytes": max(each.size for each in browsers),
        "p50": stage.percentile(times, 50),
        "p95": stage.percentile(times, 95),
    }


async def _cpu(pid: int, seconds: float) -> float:
    """What a process spends in so many seconds, in per cent of a core."""
    before = _ticks(pid)
    await asyncio.sleep(seconds)
    return 100 * (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / seconds


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def change(over: threading.Event, turning: int = 0) -> None:
    """One cell after another, each noted as a reconcile does; every `turning`th becomes Degraded or Ready."""
    from django.db import connection

    from sgportal.core.health import severity
    from sgportal.models import GridUnit
    from sgportal.reconciler.queue import change_log

    cells = list(GridUnit.objects.order_by("severity", "name").values_list("pk", flat=True)[:500])
    number, began = 0, time.monotonic()
    while not over.is_set():
        more: dict[str, Any] = {}
        if turning and number % turning == 0:
            state = "Degraded" if number // len(cells) % 2 == 0 else "Ready"
            more = {"state": state, "severity": severity(state)}
        GridUnit.objects.filter(pk=cells[number % len(cells)]).update(ready=number % 6, **more)
        change_log.record("grid", [f"deploymentgrids/default/grid-{number % GRIDS:02}"])
        number += 1
        over.wait(max(began + number / CHANGES - time.monotonic(), 0))
    connection.close()


class _Browser:
    """One that shows the overview."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.cookie = port, cookie
        self.times: list[float] = []  # in ms
        self.size, self._heard, self._first = 0, 0.0, 0.0

    async def live(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._refresh())

    def _request(self, path: str, more: str = "") -> bytes:
        lines = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\nAccept-Encoding: gzip\r\n{more}\r\n"
        )
        return lines.encode()

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(self._request("/api/v1/events"))
        if b" 200 " not in await reader.readline():
            raise RuntimeError("no stream")
        while line := await reader.readline():
            if line.startswith(b"data: ") and b"kind" in line:
                self._heard = time.monotonic()
                self._first = self._first or self._heard

    async def _refresh(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        paced = 0.0
        while True:
            now = time.monotonic()
            settled = min(self._heard + SETTLE, self._first + AT_LAST)
            if not self._first or now < max(settled, paced - BURST * PACE):
                await asyncio.sleep(0.02)
                continue
            since, self._first, paced = self._first, 0.0, max(paced, now) + PACE
            writer.write(self._request("/matrix/?group=site", "HX-Request: true\r\nHX-Target: live\r\n"))
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                raise RuntimeError(head[:80].decode())
            length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
            await reader.readexactly(length)
            self.size = max(self.size, length)
            self.times.append((time.monotonic() - since) * 1000)
