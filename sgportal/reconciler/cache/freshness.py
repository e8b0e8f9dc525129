"""How fresh the mirror of each resource is: kept in memory by the process that acts, written seldom. Of what is divided
each shard has a row of its own."""

import time
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from ...core.shards import WHOLE, Shard, all_of, undivided
from ...models import ResourceSync
from ..queue import change_log

HEARD_SECONDS = 2.0  # how often "still hearing" is worth a write
_FIELDS = ["synced_at", "heard_at", "failing_since", "error", "served"]


class SyncFreshness:
    """The rows of some resources, those of a shard where they are `divided`. Setters change memory; `save`, called
    within a transaction, writes what is due; `saved`, called once it is committed, takes it as written."""

    def __init__(self, resources: Iterable[str], divided: Collection[str] = (), shard: Shard = WHOLE) -> None:
        names = {each: shard.name(each) if each in divided else each for each in resources}
        divide(divided, shard.count)
        known = ResourceSync.objects.in_bulk(list(names.values()))
        self._rows = {each: known.get(name) or ResourceSync(resource=name) for each, name in names.items()}
        self._stale: set[str] = set()  # heard of since the last write
        # Worth writing, and telling pages, at once.
        self._changed = {each for each, name in names.items() if name not in known}
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
        change_log.record("cluster", sorted(self._rows[name].resource for name in self._changed))
        self._saving = True

    def saved(self) -> None:
        """A transaction is committed: what `save` wrote in it, if it was called, need not be written again."""
        if not self._saving:
            return
        self._changed.clear()
        self._stale.clear()
        self._recovered = self._saving = False
        self._next_save = time.monotonic() + HEARD_SECONDS


def divide(resources: Collection[str], count: int) -> None:
    """Have a row for each shard of what is divided, and none of another number of shards. What is stored is as old as
    it was before: the oldest of the rows before is carried over."""
    rows: dict[str, list[ResourceSync]] = {}
    for row in ResourceSync.objects.all():
        rows.setdefault(undivided(row.resource), []).append(row)
    for resource in resources:
        wanted = {shard.name(resource) for shard in all_of(count)}
        known = rows.get(resource, [])
        before = [row for row in known if row.resource not in wanted]
        lacking = wanted - {row.resource for row in known}
        if not before and (count == 1 or not lacking):
            continue
        with transaction.atomic():
            made = [ResourceSync(resource=name, **_oldest(before)) for name in sorted(lacking)]
            ResourceSync.objects.bulk_create(made, ignore_conflicts=True)
            ResourceSync.objects.filter(pk__in=[row.pk for row in before]).delete()


def _oldest(rows: Collection[ResourceSync]) -> dict[str, Any]:
    """What is true of all of these: they are as old as the oldest, and as whole as the least."""
    synced, heard = ([getattr(row, name) for row in rows] for name in ("synced_at", "heard_at"))
    return {
        "synced_at": min(synced) if synced and None not in synced else None,
        "heard_at": min(heard) if heard and None not in heard else None,
    }
