"""Misbehaviour on request: the wire breaks as it breaks at the edge."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError
from .requests import Request

_KNOWN = {"status", "silence", "delay", "drop", "truncate"}


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Fault:
    """A rule: for requests that match `methods`, `path` (a regular expression) do `effect`, `count` times (-1: until
    cleared). `code`, `retry_after` and `seconds` are the effect's own."""

    effect: str
    methods: tuple[str, ...] = ()
    path: str = ""
    count: int = -1
    code: int = 500
    retry_after: int | None = None
    seconds: float = 0.0

    def matches(self, request: Request) -> bool:
        """Whether the rule is for this request."""
        return (
            self.count != 0
            and (not self.methods or request.method in self.methods)
            and bool(re.search(self.path, request.path))
        )


@dataclass
class Faults:
    """The rules in force. `watch_epoch` changes when all watches are to end; `half_open` keeps them open and mute."""

    rules: list[Fault] = field(default_factory=list)
    watch_epoch: int = 0
    half_open: bool = False

    def add(self, effect: str, **options: Any) -> None:
        """Add a rule: `status` (answer `code`), `silence` (never answer), `delay` (by `seconds`), `drop` (close the
        connection), `truncate` (cut the body in half). Raises ValueError for an unknown effect."""
        if effect not in _KNOWN:
            raise ValueError(f"unknown effect {effect!r}")
        if "methods" in options:
            options["methods"] = tuple(options["methods"])
        self.rules.append(Fault(effect, **options))

    def clear(self) -> None:
        """Behave again."""
        self.rules.clear()
        self.half_open = False

    def drop_watches(self) -> None:
        """End every watch now."""
        self.watch_epoch += 1

    async def strike(self, request: Request) -> str:
        """Do what the first matching rule says: raise, wait, or name what is to be done to the answer ("" or
        truncate)."""
        rule = next((each for each in self.rules if each.matches(request)), None)
        if rule is None:
            return ""
        rule.count -= 1
        if rule.effect == "status":
            raise ApiError(rule.code, "the embedded cluster was told to misbehave", retry_after=rule.retry_after)
        if rule.effect == "drop":
            raise Dropped
        if rule.effect == "silence":
            await asyncio.sleep(3600)
        if rule.effect == "delay":
            await asyncio.sleep(rule.seconds)
        return rule.effect
