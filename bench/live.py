"""Live pages: many browsers watch the matrix while pods change; what the web process spends on them, how soon each has
what changed, and how others are answered meanwhile."""

import asyncio
import contextlib
import gzip
import os
import random
import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.services import connects, free_port, wait_for

from . import rows, stage

CHANGES = 50  # a second
SECONDS = 20.0
SETTLE, AT_LAST, PACE, BURST, APART = 0.35, 1.0, 1.2, 2, 0.15  # as in static/live.js
PULSE = 5.0  # as in templates/components/freshness.html
GRIDS = 10
USERS = 50
PART = ("/matrix/?group=site", "live")


def run(browsers: str = "200", world: str = "rows:2000x200") -> dict[str, Any]:
    """`{browsers, changes, cpu, rest, parts, known, bytes, p50, p95, errors, page, rest_api, memory, files, threads,
    back}`: the CPU of the web process in per cent of a core, while cells change and before; parts read a second, which
    share of them was 304, bytes of one as sent; from a change's commit until a browser that heard of it has it, in ms;
    p95 of a page and of a REST call by others meanwhile, in ms; MiB, open files and threads of the process for each
    browser; and seconds and CPU seconds until all listen again after web was started anew. Every browser does as
    static/live.js: one stream of events, its part after what it heard, and the line that says how fresh the news is."""
    nodes, units = map(int, world.removeprefix("rows:").split("x"))
    with stage.stage("large:1x1"):
        rows.fill(nodes, units, GRIDS, nodes)
        port, said = free_port(), cookies(int(browsers))
        os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
        command = [*stage.command("web"), "--port", str(port)]
        with contextlib.ExitStack() as stack:
            pid = stack.enter_context(stage.process(command))
            wait_for(lambda: connects(port), 60, "the web process listens")
            return asyncio.run(_watch(port, said, pid, stack, command))


def cookie() -> str:
    """The cookie of an administrator who is logged in."""
    from django.contrib.auth import get_user_model

    return _logged_in(get_user_model().objects.create_superuser("ada"))


def cookies(count: int) -> list[str]:
    """Those of so many browsers of fewer people, who may view."""
    from django.contrib.auth.models import Group, User

    viewers = Group.objects.get_or_create(name="viewer")[0]
    people = [User.objects.create_user(f"person-{number}") for number in range(min(count, USERS))]
    viewers.user_set.set(people)
    return [_logged_in(people[number % len(people)]) for number in range(count)]


def _logged_in(user: Any) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


async def _watch(
    port: int, said: Sequence[str], pid: int, stack: contextlib.ExitStack, command: list[str]
) -> dict[str, Any]:
    made: dict[int, float] = {}
    await _Browser(port, said[0], made).ask(*PART)  # what a process makes but once
    before = _held(pid)
    browsers = [_Browser(port, each, made) for each in said]
    tasks = [asyncio.create_task(each.live()) for each in browsers]
    await _until(lambda: all(each.listens for each in browsers))
    await asyncio.sleep(PULSE)
    rest = await _cpu(pid, 5.0)
    over = threading.Event()
    changing = stage.in_background(lambda: change(over, made=made))
    await asyncio.sleep(3)
    for each in browsers:
        each.forget()
    others = _Browser(port, said[0], made)
    pages, calls = (
        asyncio.create_task(others.ask_each_second(path))
        for path in ("/grids/", "/api/v1/nodeunits?group=site&limit=50")
    )
    busy = await _cpu(pid, SECONDS)
    after = _held(pid)
    over.set()
    await asyncio.to_thread(changing.join)
    found = _figures(browsers)
    asked = [await each for each in (pages, calls)]
    stack.close()
    for each in browsers:
        each.listens = False
    began = time.monotonic()
    pid = stack.enter_context(stage.process(command))
    await _until(lambda: all(each.listens for each in browsers))
    back = {"seconds": time.monotonic() - began, "cpu": _ticks(pid) / os.sysconf("SC_CLK_TCK")}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    each = [(now - then) / len(browsers) for then, now in zip(before, after, strict=True)]
    return {
        **{"browsers": len(browsers), "changes": CHANGES, "cpu": busy, "rest": rest, **found},
        **{"page": stage.percentile(asked[0], 95), "rest_api": stage.percentile(asked[1], 95)},
        **dict(zip(("memory", "files", "threads"), each, strict=True)),
        "back": back,
    }


def _figures(browsers: Sequence["_Browser"]) -> dict[str, Any]:
    times = [time for each in browsers for time in each.times]
    parts = sum(each.parts for each in browsers)
    return {
        "errors": sum(each.errors for each in browsers),
        "parts": parts / SECONDS,
        "known": sum(each.known for each in browsers) / max(parts, 1),
        "bytes": sum(each.size for each in browsers) / max(parts, 1),
        "p50": stage.percentile(times, 50),
        "p95": stage.percentile(times, 95),
    }


async def _until(check: Any) -> None:
    async with asyncio.timeout(120):
        while not check():
            await asyncio.sleep(0.1)


def _held(pid: int) -> tuple[float, int, int]:
    """MiB, open files and threads."""
    return stage.memory(pid), len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


async def _cpu(pid: int, seconds: float) -> float:
    """What a process spends in so many seconds, in per cent of a core."""
    before = _ticks(pid)
    await asyncio.sleep(seconds)
    return 100 * (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / seconds


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def change(over: threading.Event, turning: int = 0, made: dict[int, float] | None = None) -> None:
    """One cell after another, each noted as a reconcile does; every `turning`th becomes Degraded or Ready. `made` gets
    when each revision of the journal was there."""
    from django.db import connection

    from sgportal.core.health import severity
    from sgportal.models import GridUnit, Journal
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
        if made is not None:
            made[Journal.newest()] = time.monotonic()
        number += 1
        over.wait(max(began + number / CHANGES - time.monotonic(), 0))
    connection.close()


class _Browser:
    """One that shows the matrix."""

    def __init__(self, port: int, cookie: str, made: dict[int, float]) -> None:
        self.port, self.cookie, self._made = port, cookie, made
        self.listens = False
        self._read = self._has = 0
        self._heard = self._first = 0.0
        self._news = asyncio.Event()
        self._shown, self._tags = "", dict[str, str]()
        self._links: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.forget()

    def forget(self) -> None:
        """Count from now on."""
        self.times: list[float] = []  # in ms
        self.parts = self.known = self.size = self.errors = 0

    async def live(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for each in (self._listen, self._refresh, self._pulse):
                group.create_task(each())

    async def _listen(self) -> None:
        retry = 1.0
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(self._request(f"/api/v1/events?lastEventId={self._read or ''}"))
                status = await reader.readline()
                while status and (line := await reader.readline()):
                    self.listens = b" 200 " in status
                    if line.startswith(b"retry: "):
                        retry = int(line[7:]) / 1000
                    elif line.startswith(b"id: "):
                        self._read = int(line[4:])
                    elif b"kind" in line or b"resync" in line:
                        self._heard = time.monotonic()
                        self._first = self._first or self._heard
                        self._news.set()
                writer.close()
            await asyncio.sleep(retry)

    async def _refresh(self) -> None:
        paced = 0.0
        while True:
            await self._news.wait()
            apart = random.uniform(0, APART)
            while (now := time.monotonic()) < (at := self._ready(paced) + apart):
                await asyncio.sleep(at - now)
            early = now < self._heard + SETTLE
            self._first, heard = (now if early else 0.0), self._read
            if not early:
                self._news.clear()
            paced = max(paced, now) + PACE
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.ask(*PART)
                now = time.monotonic()
                new = range(self._has + 1, heard + 1) if self._has else ()
                self.times += [(now - self._made[each]) * 1000 for each in new if each in self._made]
                self._has = heard

    def _ready(self, paced: float) -> float:
        return max(min(self._heard + SETTLE, self._first + AT_LAST), paced - BURST * PACE)

    async def _pulse(self) -> None:
        await asyncio.sleep(random.uniform(0, PULSE))
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.ask("/pulse/", "pulse")
            await asyncio.sleep(PULSE)

    async def ask_each_second(self, path: str) -> list[float]:
        """How long each of SECONDS answers took, in ms."""
        times = []
        for _ in range(int(SECONDS)):
            began = time.monotonic()
            await self.ask(path)
            times.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(1)
        return times

    async def ask(self, path: str, target: str = "") -> None:
        """An answer as a browser asks for it: over a connection that it keeps, about what it has already."""
        more = f"HX-Request: true\r\nHX-Target: {target}\r\n" if target else ""
        if target == "live" and self._shown:
            more += f"SG-Shown: {self._shown}\r\n"
        if tag := self._tags.get(path):
            more += f"If-None-Match: {tag}\r\n"
        while True:
            is_old, link = bool(self._links), self._links.pop() if self._links else None
            reader, writer = link = link or await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(self._request(path, more))
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                break
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                if not is_old:  # one that was kept may have been closed meanwhile
                    raise
        found = re.findall(r"(?m)^([\w-]+): (.*?)\r$", head)
        status, fields = int(head.split()[1]), {name.lower(): value for name, value in found}
        body = await reader.readexactly(int(fields.get("content-length", 0))) if status != 304 else b""
        self._links.append(link)
        if status not in (200, 304):
            self.errors += 1
            return
        self._tags[path] = fields.get("etag", self._tags.get(path, ""))
        if target == "live":
            self.parts, self.known, self.size = self.parts + 1, self.known + (status == 304), self.size + len(body)
            if body:
                html = gzip.decompress(body) if fields.get("content-encoding") == "gzip" else body
                self._shown = " ".join(re.findall(r'data-list="([^"]+)"', html.decode()))

    def _request(self, path: str, more: str = "") -> bytes:
        lines = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\nAccept-Encoding: gzip\r\n{more}\r\n"
        )
        return lines.encode()
