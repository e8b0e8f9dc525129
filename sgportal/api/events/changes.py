"""Lines of the journal, and how streams tell of them. What many streams tell alike is written once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from ...core.access.scope import Scope
from ...models import Journal

BEAT = b"event: beat\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the journal."""

    id: int
    kind: str
    key: str

    def frame(self) -> bytes:
        """The change as an event."""
        data = orjson.dumps({"kind": self.kind, "key": self.key})
        return b"id: %d\ndata: %s\n\n" % (self.id, data)


def changes_after(revision: int, limit: int) -> list[Change]:
    """The journal's lines behind a revision that pages are told of, in order."""
    rows = Journal.objects.filter(pk__gt=revision).exclude(kind=Journal.PODS).order_by("pk")
    return [Change(*row) for row in rows.values_list("pk", "kind", "key")[:limit]]


def frames(changes: Iterable[Change], scope: Scope) -> bytes:
    """The events of these changes in a scope; of several about one thing only the last."""
    told = [(change.id, scope.told(change.kind, change.key)) for change in changes]
    latest = {each: Change(number, *each) for number, each in told if each}
    return b"".join(change.frame() for change in sorted(latest.values(), key=lambda change: change.id))


def resync(revision: int) -> bytes:
    """The event that says: read afresh."""
    return b"id: %d\nevent: resync\ndata: {}\n\n" % revision


@dataclass(eq=False, slots=True)
class Batch:
    """Changes that were found at once."""

    changes: tuple[Change, ...]
    _written: dict[tuple[int, Scope], bytes] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        """The highest of them."""
        return max((change.id for change in self.changes), default=0)


def written(batches: Sequence[Batch], scope: Scope) -> bytes:
    """The events of batches that follow one another; written once for all who have yet to tell the same."""
    last, since = batches[-1], (id(batches[0]), scope)
    if (found := last._written.get(since)) is None:
        found = frames([change for batch in batches for change in batch.changes], scope)
        last._written[since] = found
    return found
