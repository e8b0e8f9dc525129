"""The journal that live pages follow: what changed, in order."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from ...models import Journal

KEPT = timedelta(hours=1)


def record(kind: str, keys: Iterable[str]) -> None:
    """Note that things changed: `kind` is node, grid, unit, job or cluster; each key names one of them."""
    Journal.objects.bulk_create(Journal(kind=kind, key=key) for key in dict.fromkeys(keys))


def prune() -> None:
    """Forget what is older than an hour; a page that was away longer is told to reload."""
    Journal.objects.filter(at__lt=timezone.now() - KEPT).delete()
