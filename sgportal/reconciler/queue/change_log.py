"""The journal that live pages follow: what changed, in order."""

from collections.abc import Iterable

from ...models import Journal
from ...models.bulk import insert_rows


def record(kind: str, keys: Iterable[str]) -> None:
    """Note that things changed: `kind` is node, grid, unit, job, usage or cluster; each key names one of them."""
    insert_rows([Journal(kind=kind, key=key) for key in dict.fromkeys(keys)])
