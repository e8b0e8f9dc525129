"""Which processes live, as PostgreSQL knows it: each holds an advisory lock on a connection of its own, which ends with
the process, however it ends. So a lease that names the lock's number is free as soon as its holder is dead.

On SQLite, and through a pooler that hands out connections by transaction, there are no such locks: leases run out.
"""

import logging
import os
import random
import select
import threading
import time
from collections.abc import Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, connection, connections

log = logging.getLogger(__name__)
CLASS = 0x5347  # of our advisory locks, so that they are no other program's
PING_SECONDS = 1.0  # at most, between two questions; a connection that ends says so by itself
AGAIN_SECONDS = 0.5  # between two tries to connect
LEAST_SECONDS = 0.02  # between two questions
# How long nobody must have held a lock until its process counts as dead. A process whose connection breaks stops before
# that. Its next lock has another number: one that nobody holds is never held again, however seldom anybody looks.
GONE_SECONDS = 3.0
LOST_SECONDS = 1.5
# PostgreSQL notices after five seconds that a machine has gone. One that gets no answer for so long stops before that.
SILENT_SECONDS = 4.0
REMEMBERED_SECONDS = 600.0
_FAST = {"connect_timeout": 2, "tcp_user_timeout": 3000}
_NOTICE = "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3"
_HELD = (
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = %s AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_OURS = _HELD + " AND objid::bigint = %s AND pid = pg_backend_pid()"


class Session(threading.Thread):
    """The lock of this process, taken and kept by a thread with a connection of its own."""

    def __init__(self) -> None:
        super().__init__(name="session", daemon=True)
        self.number = random.randrange(1, 2**31)
        self.tried = threading.Event()
        self._link: Any = None
        self._heard_at = 0.0  # when we last knew that we hold it; 0 before the first time
        self._is_broken = False

    @property
    def is_held(self) -> bool:
        """Whether leases may name our lock: others can see that we live."""
        return bool(self._heard_at) and not self.is_lost

    @property
    def is_lost(self) -> bool:
        """Whether others may soon take us for dead, so that what we hold is ours no longer."""
        allowed = LOST_SECONDS if self._is_broken else SILENT_SECONDS
        return bool(self._heard_at) and time.monotonic() - self._heard_at > allowed

    def run(self) -> None:
        """Take the lock, and ask again and again whether we still hold it."""
        while True:
            try:
                asked_at = time.monotonic()
                if self._link is None or not self._ask():
                    self._is_broken = True
                    self._connect()
                self._heard_at, self._is_broken = asked_at, False
            except Error as error:
                self._drop(error)
            self.tried.set()
            self._rest()

    def _rest(self) -> None:
        """Wait until it is time to ask again, or the connection says something: as a rule that it ends."""
        if self._link is None:
            time.sleep(AGAIN_SECONDS)
            return
        said = select.poll()
        said.register(self._link.connection.pgconn.socket, select.POLLIN)
        if said.poll(PING_SECONDS * 1000):
            time.sleep(LEAST_SECONDS)  # whatever it says, it is not asked again and again

    def _ask(self) -> bool:
        with self._link.cursor() as cursor:
            cursor.execute(_OURS, [CLASS, self.number])
            return cursor.fetchone() is not None

    def _connect(self) -> None:
        self._drop(None)
        link = connections[DEFAULT_DB_ALIAS].copy()
        options = {name: value for name, value in link.settings_dict["OPTIONS"].items() if name != "pool"}
        link.settings_dict["OPTIONS"] = {**options, **_FAST}
        self._link = link
        with link.cursor() as cursor:
            cursor.execute(_NOTICE)
            number = random.randrange(1, 2**31)
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [CLASS, number])
            if not cursor.fetchone()[0]:
                raise DatabaseError("another process holds a lock of the same number")
            self.number = number

    def _drop(self, error: Error | None) -> None:
        if error and not self._is_broken:
            self._is_broken = True
            log.warning("the database no longer knows that this process lives: %s", error)
        if self._link is not None:
            self._link.close()
            self._link = None


_lock = threading.Lock()
_session: list[Session] = []
_silent: dict[int, float] = {}  # since when we know that nobody holds a lock


def _serves() -> bool:
    return connection.vendor == "postgresql"


def mine() -> Session | None:
    """The session of this process, begun on first use; None where the database has no such locks."""
    if not _serves():
        return None
    with _lock:
        if not _session:
            _session.append(Session())
            _session[0].start()
    _session[0].tried.wait(5)
    return _session[0]


def number() -> int | None:
    """What a lease names so that it is free once this process is dead; None where it has to run out."""
    session = mine()
    return session.number if session and session.is_held else None


def unheld(numbers: Iterable[int | None]) -> set[int]:
    """Those of these whose lock nobody holds now: the process has ended, or has lost its connection. Raises
    DatabaseError."""
    asked = {each for each in numbers if each is not None}
    if not asked or not _serves():
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [CLASS])
        return asked - {row[0] for row in cursor.fetchall()}


def gone(numbers: Iterable[int | None]) -> set[int]:
    """Those of these whose process has ended: nobody has held the lock for GONE_SECONDS, as seen by this process, which
    has to ask more than once. Raises DatabaseError."""
    silent = unheld(numbers)
    now = time.monotonic()
    with _lock:
        for each in [number for number, since in _silent.items() if now - since > REMEMBERED_SECONDS]:
            del _silent[each]
        return {each for each in silent if now - _silent.setdefault(each, now) >= GONE_SECONDS}


def _begin_anew() -> None:
    """A process that was forked off is another one."""
    _session.clear()
    _silent.clear()


os.register_at_fork(after_in_child=_begin_anew)
