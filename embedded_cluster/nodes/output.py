"""What containers write to their log. Nothing is really run, so it is made up from what a container's command says it
would write, and from the clock: asked again, it says the same and what has come since."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..objects.values import Object
from .programs import end_of

EVERY = 2  # seconds between two lines of a program that serves
MOST = 5000  # lines that are kept, as a kubelet rotates its files
_SERVED = (
    "GET /healthz 200 1ms",
    "GET / 200 4ms",
    "GET /api/items?page=2 200 11ms",
    "POST /api/orders 201 17ms",
    "GET /favicon.ico 404 1ms",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log: its number since the container began, when it was written, its text."""

    number: int
    at: datetime
    text: str


def lines(spec: Object, node: str, state: Object, now: datetime) -> list[Line]:
    """What a container on a node has written by `now`; `state` is a container state that has begun."""
    ended = state.get("terminated") or {}
    began = datetime.fromisoformat((state.get("running") or ended)["startedAt"])
    until = datetime.fromisoformat(ended["finishedAt"]) if ended else now
    found = [(began, f"{spec['name']} started on {node}"), *_echoed(spec, began)]
    if end_of(spec).seconds == float("inf"):
        count = max(int((until - began).total_seconds()) // EVERY, 0)
        first = max(count - MOST, 0)
        times = ((number, began + timedelta(seconds=EVERY * number)) for number in range(first + 1, count + 1))
        served = [Line(len(found) + number, at, _SERVED[number % len(_SERVED)]) for number, at in times]
    else:
        served = []
    said = [Line(number, at, text) for number, (at, text) in enumerate(found) if at <= until]
    if ended.get("exitCode"):
        words = f"{spec['name']} failed: exit code {ended['exitCode']}"
        served.append(Line(served[-1].number + 1 if served else len(found), until, words))
    return [*said, *served]


def _echoed(spec: Object, began: datetime) -> Iterator[tuple[datetime, str]]:
    """What the commands of a container's script write."""
    words = [str(each) for each in (*(spec.get("command") or ()), *(spec.get("args") or ()))]
    script, at = words[2] if len(words) > 2 and words[1].startswith("-") else shlex.join(words), began
    for part in re.split(r"&&|\|\||;|\n", script):
        try:
            said = shlex.split(part, comments=True)
        except ValueError:
            return
        if said[:1] == ["sleep"] and len(said) == 2 and said[1].isdecimal():
            at += timedelta(seconds=int(said[1]))
        elif said[:1] == ["printf"] and len(said) == 2:
            yield from ((at, text) for text in _unescaped(said[1]).split("\n") if text)
        elif said[:1] == ["echo"]:
            yield at, " ".join(said[1:])
        elif said[:1] in (["exit"], ["false"]):
            return


def _unescaped(text: str) -> str:
    """A format of printf(1) without arguments: octal and the usual escapes."""
    named = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "\\": "\\"}
    return re.sub(
        r"\\(?:([0-7]{1,3})|([ntrabe\\]))", lambda found: chr(int(found[1], 8)) if found[1] else named[found[2]], text
    )
