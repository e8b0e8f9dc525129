"""How many SQL statements a span sent to the database, and how long these took, as attributes of it.

A span of each statement would cost more than most statements do. No text of one is kept, which may hold a secret.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Statements:
    """Those of a span, with those of the spans within it, from whatever thread; `seconds` is until each was
    answered."""

    above: "Statements | None" = None
    count: int = 0
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float) -> None:
        """Count one more, here and in the spans around."""
        of: Statements | None = self
        while of is not None:
            with of.lock:
                of.count += 1
                of.seconds += seconds
            of = of.above


_counting: ContextVar[Statements | None] = ContextVar("statements", default=None)


@contextmanager
def counted() -> Iterator[Statements]:
    """Count the statements that are sent within this."""
    found = Statements(_counting.get())
    before = _counting.set(found)
    try:
        yield found
    finally:
        _counting.reset(before)


def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of Django's for the statements of a connection: each is counted where a span is at hand."""
    found = _counting.get()
    if found is None:
        return execute(sql, params, many, context)
    began = time.monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        found.add(time.monotonic() - began)
