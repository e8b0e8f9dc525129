"""Commands in containers: what they write is passed on as it comes, and nothing of it is kept.

One command at a time, with nothing to read: who did what can be said of a command, and not of a session of keystrokes.
Its connection ends with whoever asked for it; in the container it may run on.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson
from django.db import connections
from django.utils import translation
from django.utils.translation import gettext

from ...cluster import ClusterError, Command, Ended, Output, Silent, begin_command
from ...core.containers.log_text import Lines
from ...core.text import Sentence, say
from ...models import Pod
from ..process.connection import in_the_name_of, reading
from .errors import not_run

log = logging.getLogger(__name__)
MOST_STREAMS = 16  # commands that a process passes on at a time
MOST_PER_USER = 2
MOST_BYTES = 1024 * 1024  # of what a command writes
BEGIN_SECONDS = 10.0
IDLE_SECONDS = 120.0
LIFE_SECONDS = 600.0
_threads = ThreadPoolExecutor(2 * MOST_STREAMS, thread_name_prefix="commands")
Reason = Literal["exit", "failed", "refused", "time", "silence", "output", "broken", "left"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command came to its end, after so many seconds: `exit` with an exit code; `failed` where the container has
    no such program, `refused` by the cluster; `time`, `silence` and `output` are limits; `broken` where the connection
    was; `left` where whoever asked for it has gone. `sentence` has the words for what is no exit."""

    reason: Reason
    exit_code: int | None = None
    seconds: float = 0.0
    sentence: Sentence | None = None


class Running:
    """A command that somebody asked for. `done` is called once, with how it ended, whatever becomes of the caller."""

    def __init__(self, done: Callable[[Outcome], None]) -> None:
        self.opening: Future[Command] = Future()
        self.ended: Future[None] = Future()
        self._done = done
        self._begun = time.monotonic()
        self._once = threading.Lock()
        self._context = copy_context()  # of which cluster its rows are
        self._left = MOST_BYTES

    def finish(self, outcome: Outcome) -> Outcome:
        """End the command, if it has not ended, and tell how, the first time that it is called; from any thread,
        without waiting."""
        told = replace(outcome, seconds=round(time.monotonic() - self._begun, 3))
        if not self._once.acquire(blocking=False):
            return told
        self.opening.add_done_callback(_close)
        _threads.submit(self._context.run, self._finish, told)
        return told

    def leave(self) -> None:
        """Whoever asked for it has gone."""
        self.finish(Outcome("left"))

    def _finish(self, outcome: Outcome) -> None:
        try:
            self._done(outcome)
        except Exception:
            log.exception("how a command ended is not in the audit log: %s", outcome)
        finally:
            connections.close_all()
            self.ended.set_result(None)

    async def passed_on(self, language: str) -> AsyncIterator[bytes]:
        """Lines of JSON: what it writes, safe to show, as it is written, and in the end how it ended, in words of this
        language."""
        lines = {stream: Lines() for stream in ("stdout", "stderr")}
        outcome = Outcome("left")
        try:
            async with asyncio.timeout(LIFE_SECONDS) as life:
                command = await asyncio.wrap_future(self.opening)
            while isinstance(each := await _within(life.when(), _threads.submit(command.read)), Output):
                data = each.data[: self._left]
                self._left -= len(data)
                if text := lines[each.stream].take(data):
                    yield _line(each.stream, text)
                if len(data) < len(each.data):
                    raise _TooMuch
            outcome = _outcome(each)
        except TimeoutError:
            long = say(
                "cut off after %(minutes)s minutes; it may run on in the container", minutes=round(LIFE_SECONDS / 60)
            )
            outcome = Outcome("time", None, 0, long)
        except _TooMuch:
            much = say("cut off: it wrote more than %(bytes)s bytes, and may run on in the container", bytes=MOST_BYTES)
            outcome = Outcome("output", None, 0, much)
        except Silent:
            quiet = say(
                "cut off: nothing was written for %(minutes)s minutes; it may run on in the container",
                minutes=round(IDLE_SECONDS / 60),
            )
            outcome = Outcome("silence", None, 0, quiet)
        except ClusterError as error:
            outcome = Outcome("broken", None, 0, say("broken off: %(message)s", message=str(error)))
        finally:
            told = self.finish(outcome)
        for stream, rest in lines.items():
            if text := rest.end():
                yield _line(stream, text)
        yield _last_line(told, language)


class _TooMuch(Exception):
    """It wrote more than is passed on."""


def begin(pod: Pod, container: str, words: list[str], asker: str, done: Callable[[Outcome], None]) -> Running:
    """A command, being run in the name of whoever asks; in the end `done` is called, in a thread of its own. Raises
    NotAllowed, Unavailable, NotRun where the cluster says so at once."""
    running = Running(done)
    try:
        cluster = in_the_name_of(asker, reading())
        place = (pod.namespace, pod.name, container)
        running.opening = _threads.submit(begin_command, cluster, *place, words, IDLE_SECONDS)
        with contextlib.suppress(TooSlow):
            running.opening.result(BEGIN_SECONDS)
    except ClusterError as error:
        running.finish(
            Outcome("refused", None, 0, say("the command could not be run: %(message)s", message=str(error)))
        )
        raise not_run(error) from error
    return running


def _close(opening: "Future[Command]") -> None:
    if not opening.cancelled() and not opening.exception():
        opening.result().close()


def _outcome(ended: Ended) -> Outcome:
    if ended.exit_code is not None:
        return Outcome("exit", ended.exit_code)
    return Outcome("failed", None, 0, say("the command could not be run: %(message)s", message=ended.message))


async def _within(when: float | None, work: "Future[Any]") -> Output | Ended:
    async with asyncio.timeout_at(when):
        found: Output | Ended = await asyncio.wrap_future(work)
        return found


def _line(stream: str, text: bytes) -> bytes:
    return orjson.dumps({"stream": stream, "text": text.decode()}) + b"\n"


def _last_line(outcome: Outcome, language: str) -> bytes:
    with translation.override(language):
        said = outcome.sentence.render(gettext) if outcome.sentence else ""
    ended = {"reason": outcome.reason, "exitCode": outcome.exit_code, "seconds": outcome.seconds, "message": said}
    return orjson.dumps({"ended": ended}) + b"\n"
