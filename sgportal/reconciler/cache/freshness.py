"""How fresh the mirror of each resource is: kept in memory by the process that acts, written seldom."""

import time
from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from ...models import ResourceSync
from ..queue import change_log

HEARD_SECONDS = 2.0  # how often "still hearing" is worth a write
_FIELDS = ["synced_at", "heard_at", "failing_since", "error", "served"]


class SyncFreshness:
    """The rows of some resources. Setters change memory; `save`, called within a transaction, writes what is
    due; `saved`, called once it is committed, takes it as written."""

    def __init__(self, resources: Iterable[str]) -> None:
        wanted = list(resources)
        known = ResourceSync.objects.in_bulk(wanted)
        self._rows = {name: known.get(name) or ResourceSync(resource=name) for name in wanted}
        self._stale: set[str] = set()  # heard of since the last write
        self._changed = set(wanted) - set(known)  # worth writing, and telling pages, at once
        self._recovered = self._saving = False
        self._next_save = 0.0  # on the monotonic clock; earlier only what changed is worth a write

    def heard(self, resource: str, at: datetime) -> None:
        """The cluster said something about a resource, so it can be reached."""
        row = self._rows[resource]
        row.heard_at = max(at, row.heard_at or at)
        self._stale.add(resource)
        if row.failing_since or not row.served:
            self._recovered = True
            row.failing_since, row.error, row.served = None, "", True
            self._changed.add(resource)

    def synced(self, resource: str, at: datetime) -> None:
        """The rows of a resource are all there are."""
        self.heard(resource, at)
        row = self._rows[resource]
        if row.synced_at is None:
            self._changed.add(resource)
        row.synced_at = at
        self._next_save = 0.0

    def failed(self, resource: str, error: str) -> None:
        """A resource cannot be reached; the time of the first failure stays."""
        row = self._rows[resource]
        if row.failing_since is None or row.error != error:
            row.failing_since = row.failing_since or timezone.now()
            row.error = error
            self._changed.add(resource)

    def not_served(self, resource: str) -> None:
        """The cluster answers, and does not know the resource."""
        row = self._rows[resource]
        if row.served or row.failing_since:
            row.served, row.failing_since, row.error = False, None, ""
            self._changed.add(resource)

    def serves(self, resource: str) -> bool:
        """Whether the cluster knew the resource when it was last asked."""
        return self._rows[resource].served

    @property
    def due(self) -> bool:
        """Whether there is something worth writing now."""
        return bool(self._changed) or (bool(self._stale) and time.monotonic() >= self._next_save)

    @property
    def recovered(self) -> bool:
        """Whether, since the last write, something that failed answered again, or is served again."""
        return self._recovered

    def save(self) -> None:
        """Write the rows that are due, and tell pages of those that failed, recovered, came or went: two statements."""
        rows = [self._rows[name] for name in sorted(self._changed | self._stale)]
        ResourceSync.objects.bulk_create(rows, update_conflicts=True, unique_fields=["resource"], update_fields=_FIELDS)
        change_log.record("cluster", sorted(self._changed))
        self._saving = True

    def saved(self) -> None:
        """A transaction is committed: what `save` wrote in it, if it was called, need not be written again."""
        if not self._saving:
            return
        self._changed.clear()
        self._stale.clear()
        self._recovered = self._saving = False
        self._next_save = time.monotonic() + HEARD_SECONDS
