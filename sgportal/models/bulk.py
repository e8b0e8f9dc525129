"""Writing some fields of many rows at once.

Django's `bulk_create` and `bulk_update` spend most of their time in Python: on a CASE of every row for every field, or
on escaping each document twice. Here PostgreSQL is given all rows as one document of JSON, SQLite a list of values.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from django.db import connection, models, transaction

BATCH = 200  # rows in one statement
Rows = Sequence[models.Model]
Fields = Sequence[Any]  # Django's own, of which each kind has its attributes


def update_rows(rows: Rows, fields: Sequence[str]) -> None:
    """Write these fields of rows of one model, each found by its primary key, in one statement for `BATCH` of them.
    Raises DatabaseError."""
    for some in _batches(rows):
        _update(some, fields)


def upsert_rows(rows: Rows, unique: Sequence[str], fields: Sequence[str]) -> None:
    """Insert rows of one model, or write these fields of those that are there, each found by the fields `unique`, and
    set their primary keys; in one statement for `BATCH` of them. No two rows may be the same by `unique`. Raises
    DatabaseError, and ValueError for what is no value of its field."""
    for some in _batches(rows):
        _upsert(some, unique, fields)


def insert_rows(rows: Rows) -> None:
    """Insert rows of one model, in order, in one statement for `BATCH` of them; their primary keys are not read back.
    Raises DatabaseError."""
    for some in _batches(rows):
        fields = _but_the_key(some[0])
        new, parameters = _new(fields, _values_before_saving(some, fields))
        with connection.cursor() as cursor:
            columns = ", ".join(map(_column, fields))
            cursor.execute(f"INSERT INTO {_table(some[0])} ({columns}) {new}", parameters)


def update_in_order(rows: models.QuerySet[Any], **fields: Any) -> int:
    """Write these fields of all rows of a query, which are locked first, in order of key: two processes that each
    change several then never wait for one another's. How many there are. Two statements. Raises DatabaseError."""
    with transaction.atomic():
        keys = list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
        return rows.model._default_manager.filter(pk__in=keys).update(**fields) if keys else 0


def _batches(rows: Rows) -> Iterator[Rows]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _update(rows: Rows, names: Sequence[str]) -> None:
    key, fields = rows[0]._meta.pk, _fields(rows[0], names)
    sets = ", ".join(f"{_column(each)} = new.{_column(each)}" for each in fields)
    table = _table(rows[0])
    new, parameters = _new([key, *fields], [[getattr(row, each.attname) for each in (key, *fields)] for row in rows])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {sets} FROM ({new}) AS new WHERE {table}.{_column(key)} = new.{_column(key)}",  # noqa: S608
            parameters,
        )


def _upsert(rows: Rows, unique: Sequence[str], names: Sequence[str]) -> None:
    fields = _but_the_key(rows[0])
    found_by = _fields(rows[0], unique)
    columns, unique_columns = (", ".join(map(_column, several)) for several in (fields, found_by))
    returned = ", ".join(map(_column, [rows[0]._meta.pk, *found_by]))
    sets = ", ".join(f"{column} = EXCLUDED.{column}" for column in map(_column, _fields(rows[0], names)))
    new, parameters = _new(fields, _values_before_saving(rows, fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(rows[0])} ({columns}) SELECT * FROM ({new}) AS new WHERE true "  # noqa: S608
            f"ON CONFLICT ({unique_columns}) DO UPDATE SET {sets} RETURNING {returned}",
            parameters,
        )
        keys = {tuple(found): key for key, *found in cursor.fetchall()}
    for row in rows:
        row.pk = keys[tuple(getattr(row, each.attname) for each in found_by)]
        row._state.adding, row._state.db = False, connection.alias


def _but_the_key(row: models.Model) -> Fields:
    return [each for each in row._meta.concrete_fields if not each.primary_key]


def _values_before_saving(rows: Rows, fields: Fields) -> list[list[Any]]:
    return [[each.pre_save(row, True) for each in fields] for row in rows]


def _new(fields: Fields, values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """A query that gives rows with the columns of these fields, and its parameters."""
    if connection.vendor == "postgresql":
        return _from_json(fields, values)
    one = f"({', '.join(['%s'] * len(fields))})"
    names = ", ".join(f"column{place} AS {_column(each)}" for place, each in enumerate(fields, 1))
    prepared = [_prepared(each, value) for row in values for each, value in zip(fields, row, strict=True)]
    return f"SELECT {names} FROM (VALUES {', '.join([one] * len(values))})", prepared  # noqa: S608


def _from_json(fields: Fields, values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    columns = ", ".join(f"{_column(each)} {each.cast_db_type(connection)}" for each in fields)
    as_they_are = [(each.column, each, _IN_JSON.get(each.get_internal_type())) for each in fields]
    body = [
        {
            column: value if value is None or plain is object or type(value) is plain else _prepared(each, value)
            for (column, each, plain), value in zip(as_they_are, row, strict=True)
        }
        for row in values
    ]
    return f"SELECT * FROM jsonb_to_recordset(%s::jsonb) AS given({columns})", [_json(body)]  # noqa: S608


# Which values of a field are in JSON as they are; all others are for the field to say.
_IN_JSON: dict[str, type] = {
    "JSONField": object,
    "CharField": str,
    "TextField": str,
    "BooleanField": bool,
    **dict.fromkeys(("IntegerField", "BigIntegerField", "SmallIntegerField"), int),
    **dict.fromkeys(("PositiveIntegerField", "PositiveBigIntegerField", "PositiveSmallIntegerField"), int),
    "ForeignKey": int,
}


def _json(body: Any) -> str:
    try:
        return orjson.dumps(body).decode()
    except TypeError:  # an integer beyond 64 bits, which JSON may have
        return json.dumps(body, default=str)


def _prepared(field: Any, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)


def _fields(row: models.Model, names: Sequence[str]) -> list[Any]:
    return [row._meta.get_field(name) for name in names]


def _table(row: models.Model) -> str:
    return connection.ops.quote_name(row._meta.db_table)


def _column(field: Any) -> str:
    return connection.ops.quote_name(field.column)
