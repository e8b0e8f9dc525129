"""The journal that live pages follow: what changed, in order."""

from collections.abc import Iterable, Mapping

from ...models import Journal
from ...models.bulk import insert_rows

PODS = Journal.PODS


def record(kind: str, keys: Iterable[str]) -> None:
    """Note that things changed: `kind` is node, grid, unit, job, usage, cluster or PODS; each key names one of them."""
    record_all({kind: keys})


def record_all(changed: Mapping[str, Iterable[str]]) -> None:
    """The same of several kinds, in one statement."""
    insert_rows([Journal(kind=kind, key=key) for kind, keys in changed.items() for key in dict.fromkeys(keys)])
