"""The journal that live pages follow: what changed, in order."""

from collections.abc import Iterable

from ...models import Journal


def record(kind: str, keys: Iterable[str]) -> None:
    """Note that things changed: `kind` is node, grid, unit, job, usage or cluster; each key names one of them."""
    Journal.objects.bulk_create(Journal(kind=kind, key=key) for key in dict.fromkeys(keys))
