"""Writing some fields of many rows at once."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection, models

BATCH = 200  # rows in one statement


def update_rows(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Write these fields of rows of one model, each found by its primary key, in one statement for `BATCH` of them.

    `UPDATE … FROM (VALUES …)`: `bulk_update` builds a CASE of every row for every field, which takes five times as
    long to build as the rest takes."""
    for some in _batches(rows):
        _update(some, fields)


def upsert_rows(rows: Sequence[models.Model], unique: Sequence[str], fields: Sequence[str]) -> None:
    """Insert rows of one model, or write these fields of those that are there, each found by the fields `unique`, and
    set their primary keys; in one statement for `BATCH` of them. No two rows may be the same by `unique`.

    `bulk_create` hands PostgreSQL an array of all values of a column, and the time goes into escaping documents twice.
    """
    for some in _batches(rows):
        _upsert(some, unique, fields)


def _batches(rows: Sequence[models.Model]) -> Iterator[Sequence[models.Model]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _update(rows: Sequence[models.Model], names: Sequence[str]) -> None:
    key, fields = rows[0]._meta.pk, _fields(rows[0], names)
    sets = ", ".join(f"{_column(each)} = {_typed(each, place)}" for place, each in enumerate(fields, 2))
    table = _table(rows[0])
    values, parameters = _values(rows, [key, *fields])
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {sets} FROM (VALUES {values}) AS new WHERE {table}.{_column(key)} = new.column1",  # noqa: S608
            parameters,
        )


def _upsert(rows: Sequence[models.Model], unique: Sequence[str], names: Sequence[str]) -> None:
    fields = [each for each in rows[0]._meta.concrete_fields if not each.primary_key]
    columns, found_by = (", ".join(map(_column, several)) for several in (fields, _fields(rows[0], unique)))
    sets = ", ".join(f"{column} = EXCLUDED.{column}" for column in map(_column, _fields(rows[0], names)))
    values, parameters = _values(rows, fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(rows[0])} ({columns}) VALUES {values} "  # noqa: S608
            f"ON CONFLICT ({found_by}) DO UPDATE SET {sets} RETURNING {_column(rows[0]._meta.pk)}",
            parameters,
        )
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
            row._state.adding, row._state.db = False, connection.alias


def _fields(row: models.Model, names: Sequence[str]) -> list[Any]:
    return [row._meta.get_field(name) for name in names]


def _table(row: models.Model) -> str:
    return connection.ops.quote_name(row._meta.db_table)


def _column(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def _values(rows: Sequence[models.Model], fields: Sequence[Any]) -> tuple[str, list[Any]]:
    """Placeholders for these fields of all rows, and what they stand for."""
    one = f"({', '.join(['%s'] * len(fields))})"
    parameters = [each.get_db_prep_save(each.pre_save(row, True), connection) for row in rows for each in fields]
    return ", ".join([one] * len(rows)), parameters


def _typed(field: Any, place: int) -> str:
    """A column of the values, of the type that the field has: PostgreSQL takes one of nothing but NULL for text."""
    column = f"new.column{place}"
    return f"CAST({column} AS {field.db_type(connection)})" if connection.vendor == "postgresql" else column
