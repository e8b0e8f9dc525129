"""What the program of a container comes to, as far as its command tells: nothing is really run.

A shell's script, or a command, is followed while it is made of what ends by itself (`exit 1`, `false`, `echo`,
`sleep 5`); everything else runs for ever.
"""

import math
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..objects.values import Object

UNPULLABLE = ("does-not-exist",)  # in an image that no registry has; so has none of a host that begins with `fail.`
_IMAGE = re.compile(r"[a-z0-9]+((\.|_{1,2}|-+|:\d+/|/)[a-z0-9]+)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?")
_BARE = ("busybox", "alpine", "ubuntu", "debian", "hello-world")  # images whose program ends where nobody types
_SHELLS = ("sh", "bash", "ash", "dash")
_QUIET = (
    "true",
    ":",
    "echo",
    "printf",
    "date",
    "ls",
    "env",
    "hostname",
    "id",
    "pwd",
    "whoami",
    "uname",
    "set",
    "touch",
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class End:
    """After how many seconds a program ends, and how: its exit code, and the runtime's word for it."""

    seconds: float
    code: int = 0
    reason: str = ""
    message: str = ""

    @property
    def word(self) -> str:
        """Why a container is terminated, as its status says."""
        return self.reason or ("Error" if self.code else "Completed")


NEVER = End(math.inf)


def is_unpullable(image: str) -> bool:
    """Whether an image is such that no registry has it."""
    return image.startswith("fail.") or any(word in image for word in UNPULLABLE)


def is_image(image: str) -> bool:
    """Whether a text names an image (distribution's reference format)."""
    return _IMAGE.fullmatch(image) is not None


def end_of(container: Object, otherwise: End = NEVER) -> End:
    """How a container's program ends; `otherwise` where its command does not tell."""
    words = [str(each) for each in (*(container.get("command") or ()), *(container.get("args") or ()))]
    name = str(container["image"]).partition("@")[0].rpartition("/")[2].partition(":")[0]
    if not words:
        return End(0) if name in _BARE else otherwise
    program = words[0].rpartition("/")[2]
    if program in _SHELLS and len(words) > 2 and re.fullmatch(r"-\w*c", words[1]):
        return _script(words[2]) or otherwise
    if program in ("exit", "cd") and container.get("command"):
        missing = f'exec: "{words[0]}": executable file not found in $PATH'
        return End(0, 128, "StartError", f"failed to create containerd task: failed to create shim task: {missing}")
    return _script(shlex.join(words)) or otherwise


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a script, and what joins it to the one before; `words` are None where a quotation does not end."""

    joint: str
    words: list[str] | None

    def is_skipped(self, code: int) -> bool:
        """Whether a shell leaves it out, where the one before ended with this exit code."""
        return (self.joint == "&&" and code != 0) or (self.joint == "||" and code == 0)


def commands_of(script: str) -> Iterator[Command]:
    """The commands of a script, in its order."""
    joint = ";"
    for number, part in enumerate(re.split(r"(&&|\|\||;|\n)", script.strip())):
        if number % 2:
            joint = part
            continue
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            yield Command(joint, None)
            return
        if words:
            yield Command(joint, words)


def _script(text: str) -> End | None:
    """How a script ends, None where it does not tell."""
    seconds, code = 0.0, 0
    for each in commands_of(text):
        words = each.words
        if words is None:
            return None
        if each.is_skipped(code):
            continue
        program = words[0].rpartition("/")[2]
        if program == "exit":
            return End(seconds, _number(words[1:], code) % 256)
        if program == "sleep":
            seconds += _seconds(words[1:])
            code = 0
        elif program == "false":
            code = 1
        elif program in _QUIET and "|" not in words:
            code = 0
        else:
            return None
    return End(seconds, code)


def _number(words: list[str], otherwise: int) -> int:
    return int(words[0]) if words and words[0].isdecimal() else otherwise


def _seconds(words: list[str]) -> float:
    total = 0.0
    for word in words:
        found: Any = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", word)
        total += float(found[1]) * _UNITS[found[2] or "s"] if found else math.inf
    return total
