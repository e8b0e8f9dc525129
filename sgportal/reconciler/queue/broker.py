"""The broker that carries messages, which are hints: whether it is there, sending to it, and what is wrong with it.

Nobody waits for it. A thread sends; what it cannot send workers find in the rows.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any, Literal

from django.conf import settings
from kombu.exceptions import OperationalError

from ... import tracing
from ...breaker import Breaker
from ...logs import request_of_this_work
from ..celery import app

log = logging.getLogger(__name__)
State = Literal["none", "ok", "away", "taken"]  # taken: another program uses our names
RECONCILE = "sgportal.reconcile"  # the task
REQUEST = "sgportal_request_id"  # the header of a message with the id of the request that led to it, for the log
TRACE = "traceparent"  # the header with what the message was sent in, for the trace (W3C Trace Context)
PAUSE_SECONDS = 5.0  # between two tries to send while there is no answer
MOST_NAMED = 20  # keys in the span of sending
FLUSH_SECONDS = 2.0  # for what is still to be sent when a process ends
# What Celery keeps in Redis, and as what.
_PREFIX = str(settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", ""))
_TYPES = {"celery": "list", "_kombu.binding.celery": "set", "unacked": "hash", "unacked_index": "zset"}


class Taken(Exception):
    """The broker answers, and holds something of another kind under our names."""


def is_configured() -> bool:
    """Whether there is a broker at all."""
    return bool(settings.CELERY_BROKER_URL)


def check() -> None:
    """Ask the broker whether messages can go through it. Raises Taken, OSError or kombu's OperationalError."""
    with app.connection_for_read() as link:
        link.connect()
        if link.transport.driver_type != "redis":
            return
        client = link.default_channel.client
        for name, wanted in _TYPES.items():
            found = client.type(_PREFIX + name).decode()
            if found not in (wanted, "none"):
                raise Taken(
                    f"another program uses this Redis: “{_PREFIX}{name}” is a {found} there, not a {wanted}. "
                    "Remove that key, or name another database in CELERY_BROKER_URL (redis://host:6379/1)"
                )


def explained(error: Exception) -> Exception:
    """What is wrong with the broker, where it is something of our names, else the error itself."""
    if "WRONGTYPE" not in str(error):
        return error
    try:
        check()
    except (Taken, OSError, OperationalError) as found:
        return found
    return error


def state_of(error: Exception) -> State:
    """What an error says of the broker."""
    return "taken" if isinstance(error, Taken) else "away"


class Sender:
    """Sends messages in a thread of its own, begun with the first."""

    def __init__(self) -> None:
        self._breaker = Breaker("the broker", PAUSE_SECONDS)
        self._keys: queue.Queue[tuple[Sequence[str], dict[str, str]]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_worth_it(self) -> bool:
        """Whether a message is likely to arrive."""
        return is_configured() and not self._breaker.is_waiting

    def send(self, keys: Sequence[str]) -> None:
        """Have a message sent for each key, soon."""
        if not keys:
            return
        request = request_of_this_work()
        with tracing.span("enqueue", "PRODUCER", messaging__system="celery") as span:
            span.note(sgportal__keys=list(keys[:MOST_NAMED]))
            headers = {**({REQUEST: request} if request else {}), **tracing.headers()}
        self._keys.put((keys, headers))
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until everything is sent, a little while at most."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._thread and self._keys.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)

    def _run(self) -> None:
        while True:
            keys, headers = self._keys.get()
            try:
                if self._breaker.allows():
                    for key in keys:
                        app.send_task(RECONCILE, (key,), headers=headers, retry=False, ignore_result=True)
                    self._breaker.succeeded()
            except Exception as error:  # whatever it is, the next message may go through
                self._breaker.failed(explained(error))
            finally:
                self._keys.task_done()


_sender: list[Sender] = []
_lock = threading.Lock()
os.register_at_fork(after_in_child=_sender.clear)


def sender() -> Sender:
    """That of this process."""
    with _lock:
        if not _sender:
            _sender.append(Sender())
            atexit.register(_sender[0].flush)
        return _sender[0]


def told(state: State, detail: str = "") -> dict[str, Any]:
    """What a worker's sign of life says of the broker."""
    return {"broker": state, "detail": detail}
