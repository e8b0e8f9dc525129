"""The children that the watch stored, as plans are made from them."""

from typing import Any

from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTransform

from ...core.plans.per_unit.shared import Reader
from ...models.cache import Child


def bodies(children: "QuerySet[Child]", prefix: str) -> list[dict[str, Any]]:
    """The objects, of which those that are alike share what is the same in them, so nobody changes them; `prefix` is
    what a child's name has before that of its NodeUnit."""
    reader = Reader()
    # `body__status` comes to the same, but leaves an error behind that keeps all callers' objects for a while.
    parts = _Without("body", "status"), KeyTransform("status", F("body"))
    found = []
    for name, uid, version, text, status in children.values_list("name", "uid", "resource_version", *parts):
        body = reader.read(text, name[len(prefix) :] if name.startswith(prefix) else "", uid, version)
        if status is not None:
            body["status"] = status
        found.append(body)
    return found


class _Without(Func):
    """The text of a document without one of its fields."""

    output_field = TextField()
    template = "(%(expressions)s)::text"
    arg_joiner = " - "

    def __init__(self, column: str, name: str) -> None:
        super().__init__(F(column), Value(name))

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        """SQLite has a function for it, of a path."""
        column, name = self.get_source_expressions()
        path = Value(f"$.{name.value}")
        return Func(column, path, function="json_remove").as_sql(compiler, connection)
