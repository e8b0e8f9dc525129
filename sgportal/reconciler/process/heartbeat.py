"""Rows by which processes say that they live. Each is written from the process' own main loop, so that one that hangs
falls silent."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import Error
from django.db.models import Exists, OuterRef, Q, QuerySet

from ...models import Heartbeat, clock
from . import session

log = logging.getLogger(__name__)
EVERY_SECONDS = 5.0
KINDS = ("worker", "watch", "keeper")
ENDED = "ended"  # in the place of a name: when the last one to end as it should did so


class HeartbeatWriter:
    """The row of one process of a kind in `KINDS`."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        """Whether `beat` would write."""
        return time.monotonic() >= self._next

    def beat(self, figures: Mapping[str, Any] | None = None) -> None:
        """Say that this process lives, and what it has counted, if it has not lately. Raises DatabaseError."""
        if not self.is_due:
            return
        said = {"at": clock.now(), "session": session.number(), "figures": dict(figures or {})}
        Heartbeat.objects.update_or_create(kind=self._kind, name=self._name, defaults=said)
        self._next = time.monotonic() + EVERY_SECONDS

    def end(self) -> None:
        """Take the row away: the process ends as it should. That there is no keeper any more shows by nothing else, so
        that when one was there last is kept."""
        try:
            Heartbeat.objects.filter(kind=self._kind, name=self._name).delete()
            if self._kind == "keeper":
                said: dict[str, Any] = {"at": clock.now(), "session": None, "figures": {}}
                Heartbeat.objects.update_or_create(kind=self._kind, name=ENDED, defaults=said)
        except Error as error:
            log.warning("the sign of life of the %s could not be taken away: %s", self._kind, error)


def living() -> "QuerySet[Heartbeat]":
    """The rows of the processes that live. Raises DatabaseError."""
    rows = Heartbeat.objects.filter(at__gt=clock.now(-Heartbeat.SILENT)).exclude(name=ENDED)
    return rows.exclude(session__in=session.unheld(rows.values_list("session", flat=True)))


def count() -> dict[str, int]:
    """How many processes of each kind live. Raises DatabaseError."""
    found = dict.fromkeys(KINDS, 0)
    for kind in living().values_list("kind", flat=True):
        found[kind] = found.get(kind, 0) + 1
    return found


def shards() -> dict[str, dict[str, list[int]]]:
    """Which shards, from 1 on, each living process of each kind acts for, where work is divided. Raises
    DatabaseError."""
    found: dict[str, dict[str, list[int]]] = {}
    for kind, name, figures in living().order_by("kind", "name").values_list("kind", "name", "figures"):
        if "shards" in figures:
            found.setdefault(kind, {})[name] = figures["shards"]
    return found


def broker() -> dict[str, Any]:
    """What the living workers find of the broker: `states`, how many find each (none, ok, away, taken), and what is
    wrong with it in words, where they know. Raises DatabaseError."""
    told = list(living().filter(kind="worker").values_list("figures", flat=True))
    states = Counter(each.get("broker", "none") for each in told)
    details = {each["detail"] for each in told if each.get("detail")}
    return {"states": dict(states), **({"detail": "; ".join(sorted(details))} if details else {})}


def forget() -> None:
    """Remove the rows of processes that died long ago, but the latest of each kind: since when there is none is said
    for as long as there is none."""
    later = Heartbeat.objects.filter(Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk")))
    old = Heartbeat.objects.filter(Exists(later.filter(kind=OuterRef("kind"))), at__lt=clock.now(timedelta(days=-1)))
    old.delete()
