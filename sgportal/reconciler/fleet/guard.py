"""How the watch keeps an eye on the cluster's identity: readers ask the API server, its own thread tells the row."""

import time
from datetime import datetime
from typing import cast

from django.conf import settings

from ...cluster import Identity
from ...core.fleet.halt import ANOTHER_CLUSTER, Reason
from ...models import Grid, ManagedCluster
from . import halt

ASK_SECONDS = 1.0  # how old an answer of our row may be


class Guard:
    """Used by the thread that may touch the database. `identity` is what the readers of this process confirm, `kinds`
    are those of which the cluster has grids; both may be read by any thread."""

    kinds: frozenset[str]

    def __init__(self, identity: Identity, alone: bool = True) -> None:
        self.identity, self._alone = identity, alone
        identity.seen = None  # what it told before our time proves nothing about now
        self._row = self._ask()
        self._uid = self._row.uid  # the cluster that is read

    def _ask(self) -> ManagedCluster:
        self._asked = time.monotonic()
        row = ManagedCluster.now()
        if row.name != settings.SGPORTAL_CLUSTER_NAME:
            ManagedCluster.objects.update(name=settings.SGPORTAL_CLUSTER_NAME)
        self.kinds = frozenset(Grid.objects.in_cluster().order_by().values_list("kind", flat=True).distinct())
        return self._learn(row)

    def _learn(self, row: ManagedCluster) -> ManagedCluster:
        self.identity.expected = row.uid
        return row

    def refresh(self) -> None:
        """Ask the row again where the last answer is old."""
        if time.monotonic() > self._asked + ASK_SECONDS:
            self._row = self._ask()

    @property
    def moved(self) -> bool:
        """Whether a person has decided for another cluster since we began: all that was read before is of no use. Not
        where none was known, and another shard was the first to tell of the one that we see as well."""
        if not self._uid and self._row.uid == self.identity.seen:
            self._uid = self._row.uid
        return self._row.uid != self._uid

    def hold(self) -> bool:
        """Keep anybody from deciding until the transaction ends. False where somebody has: what was read before must
        not be written any more. Watches of several shards hold it side by side."""
        self._row = self._learn(ManagedCluster.locked() if self._alone else ManagedCluster.shared())
        return not self.moved

    @property
    def halted(self) -> Reason | None:
        """Why everything stops, if it does."""
        return cast(Reason, self._row.halt) if self._row.halt else None

    @property
    def decided_at(self) -> datetime | None:
        """When a person last decided something."""
        return self._row.decided_at

    @property
    def due(self) -> bool:
        """Whether the row does not say what the readers saw."""
        seen = self.identity.seen
        if seen is None:
            return False
        if not self._row.uid:
            return bool(seen)
        facts = {"uid": self._row.uid, "seen": seen or "–"}
        told = self._row.halt == ANOTHER_CLUSTER
        return told if seen == self._row.uid else not told or self._row.facts.get("seen") != facts["seen"]

    def conclude(self) -> None:
        """Tell the row what the readers saw, before anybody acts on the rows of the same transaction."""
        if not self.due:
            return
        seen, uid = self.identity.seen or "", self._row.uid
        if not uid:
            ManagedCluster.objects.filter(uid="").update(uid=seen)
            self._uid = seen
        elif seen == uid:
            halt.end(ANOTHER_CLUSTER)
        else:
            halt.begin(ANOTHER_CLUSTER, {"uid": uid, "seen": seen or "–", "grids": Grid.objects.count()})
        self._asked = float("-inf")
