"""Asks the API server every second whether it answers.

A watch that hears nothing looks like a quiet cluster: without the probe a process learns of a lost API server only when
the stream ends. The probe bounds that to a few seconds, and it ends the back-off of the reflectors as soon as the API
server answers again.
"""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from ...cluster import Cluster, ClusterError, Refused
from ...core.names import APISERVER
from .messages import Bookmark, Failed, Message

log = logging.getLogger(__name__)


class Probe(threading.Thread):
    """Probes every `every` seconds; an answer that takes longer than `patience` seconds counts as none. `recovered` is
    called after the first answer that follows a failure."""

    def __init__(
        self,
        connect: Callable[[], Cluster],
        emit: Callable[[Message, threading.Event], None],
        recovered: Callable[[], None],
        every: float = 1.0,
        patience: float = 2.0,
    ) -> None:
        super().__init__(name="probe the API server", daemon=True)
        self._connect = connect
        self._emit = emit
        self._recovered = recovered
        self._every = every
        self._patience = patience
        self._stopping = threading.Event()
        self._failing = False

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()

    def run(self) -> None:
        """Probe until stopped."""
        while not self._stopping.is_set():
            self._emit(self._ask(), self._stopping)
            self._stopping.wait(self._every)

    def _ask(self) -> Message:
        try:
            self._connect().version(self._patience)
        except Refused:  # it answers; what it may refuse is the reflectors' affair
            pass
        except ClusterError as error:
            self._failing = True
            return Failed(APISERVER, str(error))
        except Exception as error:
            log.exception("the probe of the API server failed")
            self._failing = True
            return Failed(APISERVER, f"{type(error).__name__}: {error}")
        if self._failing:
            self._failing = False
            self._recovered()
        return Bookmark(APISERVER, datetime.now(UTC))
