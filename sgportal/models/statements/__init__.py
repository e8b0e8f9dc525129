"""Statements that are written in SQL, for what is asked so often that Django's putting them together each time costs
more than the database's answer.

They are in PostgreSQL's words, of which SQLite is given its own. Values are named as `%(name)s`, and come with two that
every statement may use: `cluster`, which is worked for, and the time.

| here | means |
|---|---|
| `NOW()`, `NOW(%(seconds)s)` | the clock of `clock.now`, plus so many seconds |
| `= ANY(%(names)s)` | is among the values of a list |
| `FOR UPDATE` | these rows are locked, where a database locks rows |
"""

import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from ..scopes.clusters import current

_ANY = re.compile(r"= ANY\((%\(\w+\)s)\)")
_NOW = re.compile(r"NOW\((?:%\((\w+)\)s)?\)")


def returned(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows that a statement gives. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(*_said(statement, values))
        return list(cursor.fetchall())


def read_json(text: Any) -> Any:
    """What a column of JSON says, as `returned` gives it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a number that is no float's, which JSON may have
        return json.loads(text)


def run(statement: str, **values: Any) -> int:
    """Carry a statement out that gives no rows; how many it changed. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(*_said(statement, values))
        return int(cursor.rowcount)


def _said(statement: str, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    named = {"cluster": current(), **values}
    if connection.vendor == "postgresql":
        return _for_postgresql(statement), named
    at = timezone.now()
    for seconds in _NOW.findall(statement):
        named[f"now_{seconds}"] = at + timedelta(seconds=named[seconds] if seconds else 0.0)
    return _for_sqlite(statement), {name: _as_sqlite_has_it(value) for name, value in named.items()}


def _as_sqlite_has_it(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return json.dumps(value) if isinstance(value, list) else value


@functools.cache
def _for_postgresql(statement: str) -> str:
    def clock(found: re.Match[str]) -> str:
        more = f" + make_interval(secs => %({found[1]})s)" if found[1] else ""
        return f"(STATEMENT_TIMESTAMP(){more})"

    return _NOW.sub(clock, statement)


@functools.cache
def _for_sqlite(statement: str) -> str:
    among = _ANY.sub(r"IN (SELECT value FROM json_each(\1))", statement.replace("FOR UPDATE", ""))
    return _NOW.sub(lambda found: f"%(now_{found[1] or ''})s", among)
