"""Of which label keys it is kept which nodes had them. Labels that nothing names cost nothing, however often an agent
rewrites them on however many nodes."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from django.conf import settings
from django.utils import timezone

from ...core.names import TIME_ZONE, ZONE
from ...core.overrides.variables import labels_read
from ...models import (
    ApiToken,
    Grant,
    Grid,
    LabelHistory,
    NodeLabel,
    NotificationChannel,
    RememberedLabel,
    ServiceGroup,
    ServiceToken,
)
from ...models.history import kept_for
from ...models.scopes.clusters import every
from ...models.statements import returned

ALWAYS = frozenset((ZONE, "topology.kubernetes.io/region", "kubernetes.io/hostname", TIME_ZONE))


def keys() -> frozenset[str]:
    """Those that are remembered. One query."""
    return frozenset(RememberedLabel.objects.filter(kept=True).values_list("key", flat=True))


def add(wanted: Iterable[str]) -> set[str]:
    """Remember these too; those that were not so far. One query, one more where there are some."""
    some = set(wanted) - {""}
    new = some - {key for (key,) in returned(_KNOWN, keys=list(some))} if some else set()
    if new:
        RememberedLabel.objects.bulk_create([RememberedLabel(key=key) for key in sorted(new)], ignore_conflicts=True)
    return new


_KNOWN = "SELECT key FROM sgportal_rememberedlabel WHERE cluster_id = %(cluster)s AND key = ANY(%(keys)s)"


def named() -> set[str]:
    """The keys of grids, of ServiceGroups and of what people may read, the labels by which grids choose NodeUnits,
    those of Kubernetes that say where a node is, and those that SGPORTAL_HISTORY_LABELS names."""
    found = set(ALWAYS)
    for model in (Grid, ServiceGroup, Grant, ApiToken, ServiceToken, NotificationChannel):
        found.update(every(model).order_by().values_list("key", flat=True).distinct())
    for spec in Grid.objects.filter(reads_labels=True).values_list("spec", flat=True).iterator():
        found |= labels_read(spec)
    patterns = settings.SGPORTAL_HISTORY_LABELS
    found.update(each for each in patterns if "*" not in each)
    if any("*" in each for each in patterns):
        there = NodeLabel.objects.order_by().values_list("key", flat=True).distinct()
        found.update(key for key in there if any(fnmatchcase(key, each) for each in patterns))
    return found - {""}


def review() -> None:
    """Remember what is named now; forget what nothing has named for as long as history is kept. A constant number of
    statements."""
    wanted, now, rows = named(), timezone.now(), RememberedLabel.objects
    add(wanted)
    rows.filter(key__in=wanted, kept=True).exclude(until=None).update(until=None)
    # What a new version finds is whole so far; of what was forgotten a part is gone.
    rows.filter(key__in=wanted, kept=False, until=None).update(kept=True)
    rows.filter(key__in=wanted, kept=False).update(kept=True, since=now, until=None)
    rows.filter(kept=True, until=None).exclude(key__in=wanted).update(until=now)
    if age := kept_for(settings.SGPORTAL_HISTORY_DAYS):
        rows.filter(kept=True, until__lt=now - age).update(kept=False)


def remove_some(most: int) -> bool:
    """Remove so many rows of a label that is forgotten, and with the last of them what is known of the label; whether
    more may be left."""
    forgotten = RememberedLabel.objects.filter(kept=False).order_by("pk").first()
    if forgotten is None:
        return False
    found = list(LabelHistory.objects.filter(key=forgotten.key).values_list("pk", flat=True)[:most])
    LabelHistory.objects.filter(pk__in=found).delete()
    if len(found) < most:
        forgotten.delete()
    return True
