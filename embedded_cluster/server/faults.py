"""Misbehaviour on request: the wire breaks as it breaks at the edge."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..objects.errors import ApiError
from ..requests.request import Request, Target, verb_of

_ANSWERS = {"status", "silence", "delay", "hold", "drop", "truncate", "empty"}
_HOLD_SECONDS = 0.02  # how often a held request looks whether it may go on: `clear` may be called from any thread
_AT_ONCE = {"drop-watches", "half-open", "compact", "unreachable"}


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Fault:
    """A rule: for requests that match, do `effect`, `count` times (-1: until cleared) or for `duration` seconds (0: for
    ever).

    A request matches by HTTP method (`methods`), by verb as RBAC names it (`verbs`: get, list, watch, create, update,
    patch, delete, deletecollection), by the plural of its kind (`resource`), and by regular expressions for its path
    and for the object's `name`; what is not given matches all. `struck`
    counts those that did. `code` and `retry_after` (seconds) are the effect
    status's own, `seconds` that of delay.
    """

    effect: str
    methods: tuple[str, ...] = ()
    path: str = ""
    count: int = -1
    code: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    verbs: tuple[str, ...] = ()
    resource: str = ""
    name: str = ""
    duration: float = 0.0
    since: float = field(default_factory=time.monotonic)
    struck: int = 0

    def matches(self, request: Request, target: Target | None) -> bool:
        """Whether the rule is for this request."""
        if self.count == 0 or (self.duration and time.monotonic() > self.since + self.duration):
            return False
        if self.resource and (target is None or target.kind.plural != self.resource):
            return False
        return (
            (not self.methods or request.method in self.methods)
            and (not self.verbs or verb_of(request, target) in self.verbs)
            and bool(re.search(self.path, request.path))
            and (not self.name or (target is not None and bool(re.search(self.name, target.name))))
        )


@dataclass
class Faults:
    """The rules in force. `half_open` keeps watches open and mute. `watches` are the open
    ones. `hooks` are what the cluster does for the effects
    that concern more than one answer; they may be called from any thread."""

    rules: list[Fault] = field(default_factory=list)
    half_open: bool = False
    watches: set[Any] = field(default_factory=set)
    hooks: dict[str, Callable[[float], None]] = field(default_factory=dict)

    def add(self, effect: str, **options: Any) -> None:
        """Add a rule (see `Fault` for the options): `status` (answer `code`), `silence` (never answer), `delay` (by
        `seconds`), `hold` (answer once `clear` is called), `drop` (close the connection), `truncate` (cut the body in
        half), `empty` (lists have no items). Or do at once: `drop-watches` (end them all), `half-open` (watches stay
        open and say nothing until `clear`), `compact` (forget history), `unreachable` (close the port, for
        `seconds`). Raises ValueError for an unknown effect."""
        if effect in _AT_ONCE:
            self._do(effect, **options)
        elif effect in _ANSWERS:
            for name in ("methods", "verbs"):
                options[name] = tuple(options.get(name, ()))
            self.rules.append(Fault(effect, **options))
        else:
            raise ValueError(f"unknown effect {effect!r}: {', '.join(sorted(_ANSWERS | _AT_ONCE))}")

    def _do(self, effect: str, seconds: float = 0.0) -> None:
        if effect == "half-open":
            self.half_open = True
        elif effect in self.hooks:
            self.hooks[effect](seconds)

    def clear(self) -> None:
        """Behave again."""
        self.rules.clear()
        self.half_open = False

    def drop_watches(self) -> None:
        """End every watch now."""
        self.add("drop-watches")

    async def strike(self, request: Request, target: Target | None) -> str:
        """Do what the first matching rule says: raise ApiError or Dropped, wait, or name what is to be done to the
        answer ("", truncate or empty)."""
        rule = next((each for each in self.rules if each.matches(request, target)), None)
        if rule is None:
            return ""
        rule.count -= 1
        rule.struck += 1
        if rule.effect == "status":
            raise ApiError(rule.code, "the embedded cluster was told to misbehave", retry_after=rule.retry_after)
        if rule.effect == "drop":
            raise Dropped
        if rule.effect == "silence":
            await asyncio.Event().wait()
        if rule.effect == "delay":
            await asyncio.sleep(rule.seconds)
        while rule.effect == "hold" and rule in self.rules:
            await asyncio.sleep(_HOLD_SECONDS)
        return rule.effect
