"""What a reader follows: a resource, and how its objects are understood; without the database."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A followed resource. `key` and `row` translate an object; `custom` marks our own kinds, `optional` those that we
    can do without where the cluster forbids them; `owns` says by its key whether an object is of interest here."""

    resource: str
    kind: str
    key: Callable[[Body], str]
    row: Callable[[Body], Any]
    custom: bool = field(default=False, kw_only=True)
    optional: bool = field(default=False, kw_only=True)
    owns: Callable[[str], bool] | None = field(default=None, kw_only=True)

    def translate(self, bodies: Iterable[Body]) -> tuple[dict[str, Any], set[str]]:
        """The rows of some objects by key, and the keys of those that are there; of others' objects neither. One that
        cannot be understood is logged and gives no row: what was known of it stays."""
        rows: dict[str, Any] = {}
        there: set[str] = set()
        for body in bodies:
            key = ""
            try:
                key = self.key(body)
                if self.owns and not self.owns(key):
                    continue
                rows[key] = self.row(body)
            except (LookupError, TypeError, ValueError, AttributeError):
                log.exception("%s %s cannot be understood and is skipped", self.kind, key or "without a name")
            if key and rows.get(key, body) is not None:
                there.add(key)
        return rows, there

    def is_anothers(self, body: Body) -> bool:
        """Whether an object is of no interest here; not one of which that cannot be told."""
        try:
            return self.owns is not None and not self.owns(self.key(body))
        except (LookupError, TypeError):
            return False


def place(body: Body) -> str:
    """`<namespace>/<name>`."""
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def name(body: Body) -> str:
    """The name of an object without a namespace."""
    return str(body["metadata"]["name"])
