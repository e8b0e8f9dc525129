"""What a command in a container says (`kubectl exec`). Nothing is really run: a few commands that tell of the container
itself are answered from what is known of it, and of any other it is said that the image does not have it."""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..objects.values import Object
from .programs import commands_of

SHELLS = ("sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash")
MISSING = 127
_ROOT = "bin dev etc home lib proc root sys tmp usr var"


@dataclass(frozen=True, slots=True)
class Said:
    """What is written to standard output (`stream` 1) or standard error (2), after so many seconds' wait."""

    stream: int
    text: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How it ends."""

    code: int


def answer(words: list[str], pod: Object, container: Object, now: datetime) -> Iterator[Said | Exit] | None:
    """What a command writes, one after the other, and in the end its exit code; None for a program that the image does
    not have."""
    if words[0] in SHELLS and len(words) == 1:
        return iter((Said(2, f"{words[0]}: nothing is read here; say what to run: {words[0]} -c '…'\n"), Exit(1)))
    if words[0] in SHELLS:
        return _script(words[2] if len(words) > 2 and words[1].endswith("c") else "", pod, container, now)
    if words[0].rpartition("/")[2] not in _texts([], pod, container, now):
        return None
    return _ended(words, pod, container, now)


def _ended(words: list[str], pod: Object, container: Object, now: datetime) -> Iterator[Said | Exit]:
    code = yield from _one(words, pod, container, now)
    yield Exit(code)


def _script(text: str, pod: Object, container: Object, now: datetime) -> Iterator[Said | Exit]:
    code = 0
    for each in commands_of(text):
        words = each.words
        if words is None:
            yield Said(2, "sh: syntax error: unterminated quoted string\n")
            yield Exit(2)
            return
        if each.is_skipped(code):
            continue
        if words[0] == "exit":
            code = int(words[1]) % 256 if len(words) > 1 and words[1].isdecimal() else code
            break
        code = yield from _one(words, pod, container, now)
    yield Exit(code)


def _one(words: list[str], pod: Object, container: Object, now: datetime) -> Generator[Said | Exit, None, int]:
    *words, target = [*words, ""] if words[-1] not in (">&2", "1>&2") else [*words[:-1], "error"]
    stream, program, rest = (2 if target else 1), words[0].rpartition("/")[2], words[1:]
    texts = _texts(rest, pod, container, now)
    if "|" in words or program not in texts:
        yield Said(2, f"sh: {words[0]}: not found\n")
        return MISSING
    if program == "sleep":
        yield Said(stream, "", _number(rest))
        return 0
    if program == "false":
        return 1
    if texts[program]:
        yield Said(stream, f"{texts[program]}\n")
    return 0


def _number(words: list[str]) -> float:
    return float(words[0]) if words and re.fullmatch(r"\d+(\.\d+)?", words[0]) else 0.0


def _texts(rest: list[str], pod: Object, container: Object, now: datetime) -> dict[str, str]:
    """What each program that is known writes, given these arguments."""
    return {
        "echo": " ".join(rest),
        "true": "",
        "false": "",
        "sleep": "",
        "hostname": str(pod["metadata"]["name"]),
        "date": f"{now:%a %b %e %H:%M:%S UTC %Y}",
        "env": "\n".join(f"{each['name']}={each.get('value', '')}" for each in container.get("env") or ()),
        "id": "uid=0(root) gid=0(root)",
        "pwd": "/",
        "ls": _ROOT.replace(" ", "\n"),
    }
