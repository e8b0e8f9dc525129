"""A circuit breaker: what did not answer is left alone for a while, so that nobody waits for it again and again."""

import logging
import threading
import time

log = logging.getLogger(__name__)


class Breaker:
    """Whether something is worth asking now. After a failure nobody asks for `pause` seconds; then one tries, and the
    others wait for what comes of it."""

    def __init__(self, what: str, pause: float) -> None:
        self._what, self._pause = what, pause
        self._lock = threading.Lock()
        self._away_until: float | None = None  # None: it answers

    @property
    def is_waiting(self) -> bool:
        """Whether nobody may ask now."""
        until = self._away_until
        return until is not None and time.monotonic() < until

    def allows(self) -> bool:
        """Whether the caller may ask now. Who may, says afterwards `succeeded` or `failed`."""
        with self._lock:
            if self._away_until is None:
                return True
            now = time.monotonic()
            if now < self._away_until:
                return False
            self._away_until = now + self._pause
            return True

    def succeeded(self) -> None:
        """It answered."""
        if self._away_until is None:
            return
        with self._lock:
            self._away_until = None
        log.warning("%s answers again", self._what)

    def failed(self, error: Exception) -> None:
        """It did not answer."""
        with self._lock:
            first = self._away_until is None
            self._away_until = time.monotonic() + self._pause
        if first:
            log.warning("%s does not answer and is left alone for %.0f s at a time: %s", self._what, self._pause, error)
