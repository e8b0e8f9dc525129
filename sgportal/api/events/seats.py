"""How many streams of events one process keeps open at a time."""

import threading

SEAT = "sgportal.seat"  # where a request's scope has its seat
MOST_STREAMS = 200


class Seat:
    """A request's place among the open streams of this process. It is taken by the view and left when the request is
    over, however that ends: a caller may be gone before the stream has begun."""

    _lock = threading.Lock()
    _taken = 0

    def __init__(self) -> None:
        self._may_take, self._is_ours = True, False

    @classmethod
    def taken(cls) -> int:
        """How many are taken."""
        return cls._taken

    def take(self) -> bool:
        """Take it; False where all are taken, or the request is over."""
        with Seat._lock:
            if self._may_take and Seat._taken < MOST_STREAMS:
                self._may_take, self._is_ours = False, True
                Seat._taken += 1
            return self._is_ours

    def leave(self) -> None:
        """The request is over."""
        with Seat._lock:
            Seat._taken -= self._is_ours
            self._may_take = self._is_ours = False
