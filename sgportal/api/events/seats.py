"""How many streams one process keeps open at a time."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

SEAT = "sgportal.seat"  # where a request's scope has its seat


@dataclass(frozen=True, slots=True)
class Streams:
    """A kind of streams: how many of them there may be at a time, and how many of one user's (0: as many)."""

    name: str
    most: int
    each: int = 0


EVENTS = Streams("events", 2000)


class Seat:
    """A request's place among the open streams of this process. It is taken by the view and left when the request is
    over, however that ends: a caller may be gone before the stream has begun."""

    _lock = threading.Lock()
    _taken: Counter[tuple[str, str]] = Counter()  # by kind and user, "" for all of a kind

    def __init__(self) -> None:
        self._may_take, self._is_over = True, False
        self._endings: list[Callable[[], None]] = []
        self._mine: tuple[tuple[str, str], ...] = ()
        self._work: Future[Any] | None = None

    @classmethod
    def taken(cls, streams: Streams | None = None, user: str = "") -> int:
        """How many are taken, or how many by a user."""
        return cls._taken[(streams or EVENTS).name, user]

    def take(self, streams: Streams | None = None, user: str = "") -> bool:
        """Take it; False where all are taken, by everybody or by this user, or the request is over."""
        streams = streams or EVENTS
        mine = ((streams.name, ""), *([(streams.name, user)] if user else []))
        with Seat._lock:
            full = Seat.taken(streams) >= streams.most or (streams.each and Seat.taken(streams, user) >= streams.each)
            if self._may_take and not full:
                self._may_take, self._mine = False, mine
                Seat._taken.update(mine)
            return bool(self._mine)

    def hold_for(self, work: "Future[Any]") -> None:
        """Keep the place until this is done, too: it keeps a thread busy, whether the caller is still there or not."""
        self._work = work

    def at_end(self, end: Callable[[], None]) -> None:
        """Have this called when the request is over; at once where it is."""
        with Seat._lock:
            if not self._is_over:
                self._endings.append(end)
                return
        end()

    def leave(self) -> None:
        """The request is over."""
        with Seat._lock:
            self._may_take, self._is_over = False, True
        for end in self._endings:
            end()
        if self._work is None:
            self._free()
        else:
            self._work.add_done_callback(lambda _: self._free())

    def _free(self) -> None:
        with Seat._lock:
            Seat._taken.subtract(self._mine)
            self._mine = ()
            for each in [each for each, count in Seat._taken.items() if not count]:
                del Seat._taken[each]
