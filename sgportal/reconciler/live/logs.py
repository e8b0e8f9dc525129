"""Logs of containers, passed on as they come: nothing of them is kept."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from ...cluster import Cluster, ClusterError, Log, Silent
from ...core.containers.log_text import Lines
from ...core.text import Sentence, say
from ...logs import carried
from ...models import Pod
from ..label_jobs import Unavailable
from ..process.connection import in_the_name_of, reading
from .errors import NoLog, NotAllowed, raised

MOST_STREAMS = 32  # logs that a process reads at a time
MOST_PER_USER = 4
MOST_BYTES = 10 * 1024 * 1024  # of one answer
MOST_LINES = 10_000
OPEN_SECONDS = 5.0  # until an answer begins although the log has not: nothing may have been written yet
IDLE_SECONDS = 300.0
LIFE_SECONDS = 900.0  # then the caller asks again, and is asked who it is
_threads = ThreadPoolExecutor(MOST_STREAMS + 4, thread_name_prefix="logs")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for of a pod's log (PodLogOptions, v1). `most` bytes are passed on."""

    container: str
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail: int = 500
    since_seconds: int = 0
    most: int = MOST_BYTES

    def query(self) -> Mapping[str, Any]:
        """The same as the query of a request."""
        flags = {name: "true" for name in ("follow", "previous", "timestamps") if getattr(self, name)}
        since = {"sinceSeconds": self.since_seconds} if self.since_seconds else {}
        return {"container": self.container, "tailLines": self.tail, "limitBytes": self.most, **flags, **since}


def begin(pod: Pod, wanted: Wanted, reader: str) -> "Future[Log]":
    """A log, being opened in the name of its `reader`. Raises NoLog, NotAllowed, Unavailable where the cluster says so
    within OPEN_SECONDS."""
    try:
        cluster = in_the_name_of(reader, reading())
    except ClusterError as error:
        raise raised(error, log=True) from error
    future = _threads.submit(carried(_open), cluster, pod, wanted)
    with contextlib.suppress(TooSlow):
        future.result(OPEN_SECONDS if wanted.follow else None)
    return future


def _open(cluster: Cluster, pod: Pod, wanted: Wanted) -> Log:
    silence = IDLE_SECONDS if wanted.follow else OPEN_SECONDS
    try:
        return cluster.log(pod.namespace, pod.name, wanted.query(), silence)
    except ClusterError as error:
        raise raised(error, log=True) from error


def close(opening: "Future[Log]") -> None:
    """End a log, as soon as it is open; from any thread."""
    opening.add_done_callback(_closed)


def _closed(opening: "Future[Log]") -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


async def passed_on(opening: "Future[Log]", wanted: Wanted, language: str) -> AsyncIterator[bytes]:
    """The lines of a log, safe to show, as they are written; where the portal ends it, the last line says why in this
    language."""
    lines, left = Lines(), wanted.most
    try:
        async with asyncio.timeout(LIFE_SECONDS) as life:
            log = await asyncio.wrap_future(opening)
        while chunk := await _within(life.when(), _threads.submit(log.read)):
            left -= len(chunk)
            yield lines.take(chunk if left >= 0 else chunk[:left])
            if left <= 0:
                yield _last_line(say("cut after %(bytes)s bytes", bytes=wanted.most), language)
                return
        yield lines.end()
    except TimeoutError:
        yield _last_line(say("ended after %(minutes)s minutes", minutes=round(LIFE_SECONDS / 60)), language)
    except Silent:
        text = say("ended: nothing was written for %(minutes)s minutes", minutes=round(IDLE_SECONDS / 60))
        yield _last_line(text, language)
    except (Unavailable, NotAllowed, NoLog, ClusterError) as error:
        yield _last_line(say("broken off: %(message)s", message=str(error)), language)
    finally:
        close(opening)


async def _within(when: float | None, work: "Future[bytes]") -> bytes:
    async with asyncio.timeout_at(when):
        return await asyncio.wrap_future(work)


def _last_line(why: Sentence, language: str) -> bytes:
    with translation.override(language):
        return f"[sgportal: {why.render(gettext)}]\n".encode()


def whole(pod: Pod, wanted: Wanted, reader: str) -> list[str]:
    """The last lines of a log, safe to show. Raises NoLog, NotAllowed, Unavailable."""
    opening, lines, found, left = begin(pod, wanted, reader), Lines(), b"", wanted.most
    try:
        log, ends = opening.result(), time.monotonic() + OPEN_SECONDS
        while left > 0 and time.monotonic() < ends and (chunk := log.read()):
            found += lines.take(chunk[:left])
            left -= len(chunk)
    except ClusterError as error:
        raise raised(error, log=True) from error
    finally:
        close(opening)
    return (found + lines.end()).decode().split("\n")[:-1]
