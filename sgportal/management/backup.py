"""Everything that only the portal's database knows, as one file, and back.

A file is gzip of JSON lines: a head (which version, which migration, when), a row a line as Django's serializers write
them, and a foot with the number of rows, by which a file that was cut off is known. Rows refer to permissions by name,
so that a file of SQLite can be restored into PostgreSQL, and the other way round.
"""

import gzip
import itertools
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from django.apps import apps
from django.core import serializers
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.management.color import no_style
from django.core.serializers.base import DeserializationError, DeserializedObject
from django.core.serializers.json import DjangoJSONEncoder
from django.core.serializers.python import Deserializer, Serializer
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from ..core.plans.retirement import APPROVED, HELD
from ..core.rollouts.state import OVER
from ..models import ApiToken, Approval, AuditEvent, Grid, GridUnit, Rollout, ServiceGroup
from ..reconciler.process import heartbeat
from ..version import VERSION

FORMAT = 1
BATCH = 500
# Models whose rows are not kept, each with the reason.
LEFT_OUT: dict[str, str] = {
    "auth.Permission": "made by migrations, referred to by name",
    "contenttypes.ContentType": "made by migrations, referred to by name",
    "sessions.Session": "people log in again",
    "sgportal.LogInCount": "counts of the last minutes",
    "sgportal.LabelJob": "half-done changes of labels are not gone on with",
    "sgportal.Pod": "listed again",
    "sgportal.Child": "listed again",
    "sgportal.Slice": "listed again",
    "sgportal.Namespace": "listed again",
    "sgportal.ResourceSync": "says how fresh these are",
    "sgportal.DataPlane": "looked at again",
    "sgportal.NodeUsage": "measured again",
    "sgportal.UnitUsage": "measured again",
    "sgportal.CellUsage": "measured again",
    "sgportal.PodUsage": "measured again",
    "sgportal.UsageSource": "looked at again",
    "sgportal.Journal": "news for pages that are open",
    "sgportal.WorkKey": "the sweep finds what is to be done",
    "sgportal.DueCell": "the same",
    "sgportal.Notice": "looked at again",
    "sgportal.Delivery": "what was told then",
    "sgportal.Lease": "of processes that lived then",
    "sgportal.Heartbeat": "of processes that lived then",
}


# Rows that are none of our models', or contradict one another.
_NOT_OURS = (FieldDoesNotExist, ValidationError, IntegrityError, DataError)


class Unusable(Exception):
    """A file, or a database, that cannot be used; the text says why and what to do."""


def kept() -> list[type[models.Model]]:
    """The models whose rows are in a file; who is referred to comes first."""
    every = serializers.sort_dependencies([(each, None) for each in apps.get_app_configs()], allow_cycles=True)
    return [each for each in every if each._meta.label not in LEFT_OUT]


def write(file: BinaryIO) -> int:
    """Write all rows as they are at one moment; their number. Raises Unusable where migrations are missing."""
    count = 0
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed, transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        made = datetime.now(UTC).isoformat(timespec="seconds")
        _line(packed, {"format": FORMAT, "version": VERSION, "migration": _migration(), "made": made})
        for model in kept():
            for row in _rows(model):
                _line(packed, row)
                count += 1
        _line(packed, {"rows": count})
    return count


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    every = model._base_manager.order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(itertools.islice(every, BATCH)):
        yield from Serializer().serialize(batch, use_natural_foreign_keys=True)


class _Exact(DjangoJSONEncoder):
    """Times to the microsecond, where Django's own encoder cuts them to milliseconds."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def _line(packed: gzip.GzipFile, body: dict[str, Any]) -> None:
    packed.write(json.dumps(body, cls=_Exact, ensure_ascii=False).encode() + b"\n")


def _migration() -> str:
    names = [name for app, name in MigrationRecorder(connection).applied_migrations() if app == "sgportal"]
    if not names:
        raise Unusable("the database has no tables yet: run manage.py migrateonce first")
    return max(names)


def read(file: BinaryIO, replace: bool) -> int:
    """Put the rows of a file into the database, all or none; their number. Raises Unusable."""
    try:
        with gzip.GzipFile(fileobj=file) as packed, transaction.atomic():
            head = _parsed(packed.readline())
            _check(head, replace)
            _empty()
            count = _load(packed)
            _reset_sequences()
            _forget_what_was_under_way()
            told = f"backup of {head['made']}"
            AuditEvent.objects.create(actor="manage.py", door="shell", verb="restore", path=told)
            return count
    except (gzip.BadGzipFile, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise Unusable(f"this is no backup, or only a part of one: {error}") from error
    except (DeserializationError, json.JSONDecodeError, KeyError, TypeError, *_NOT_OURS) as error:
        raise Unusable(f"this is no backup of the portal: {error}") from error


def _parsed(line: bytes) -> dict[str, Any]:
    body = json.loads(line)
    if not isinstance(body, dict):
        raise TypeError("a line is no object")
    return body


def _check(head: dict[str, Any], replace: bool) -> None:
    if head["format"] != FORMAT:
        raise Unusable(f"the file has the format {head['format']}, which version {VERSION} cannot read")
    mine = _migration()
    if head["migration"] != mine:
        raise Unusable(
            f"the file was made at migration {head['migration']} (version {head['version']}), and the database is at "
            f"{mine}: restore it with version {head['version']}, then upgrade"
        )
    living = [kind for kind, number in heartbeat.count().items() if number]
    if living:
        raise Unusable(f"these processes live and would write meanwhile: {', '.join(living)}; stop them first")
    users = apps.get_model("auth", "User")
    if not replace and any(model._base_manager.exists() for model in (Grid, ServiceGroup, ApiToken, users)):
        raise Unusable("the database holds grids or users; --replace removes all of it first")


def _empty() -> None:
    """Remove every row but those that migrations make and rows refer to by name."""
    stay = {"auth_permission", "django_content_type"}
    tables = [each._meta.db_table for each in apps.get_models(include_auto_created=True)]
    statements = connection.ops.sql_flush(
        no_style(), [each for each in tables if each not in stay], allow_cascade=False
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _load(packed: gzip.GzipFile) -> int:
    count = 0
    lines = (_parsed(line) for line in packed)
    for label, group in itertools.groupby(lines, lambda each: each.get("model")):
        if label is None:  # the foot
            foot = next(group)
            if foot["rows"] != count or next(lines, None):
                raise Unusable(f"the file should hold {foot['rows']} rows and holds {count}")
            return count
        while batch := list(itertools.islice(group, BATCH)):
            _save(list(Deserializer(batch)))
            count += len(batch)
    raise Unusable("this is only a part of a backup: its end is missing")


def _save(rows: list[DeserializedObject]) -> None:
    """At once; one by one where saving many would set a field to the present time, or rows are in a relation."""
    model = type(rows[0].object)
    if model._meta.many_to_many or any(getattr(field, "auto_now", False) for field in model._meta.fields):
        for row in rows:
            row.save()
    else:
        model._default_manager.bulk_create([row.object for row in rows])


def _forget_what_was_under_way() -> None:
    """The cluster has gone on since the backup. Which revision a workload has is not known any more, and how far a
    rollout is; what a person had approved of may have been done, and is not done twice."""
    Grid._base_manager.update(observed_generation=0, stable=None, operation=None)
    ServiceGroup._base_manager.update(operation=None)
    GridUnit._base_manager.filter(revision__gt=0).update(joined=True)  # and need not be approved again
    # Nor is a status told of what was carried out then, as long as nothing has been judged since.
    GridUnit._base_manager.update(generation=0, revision=0, assigned=None, recreate=False)
    GridUnit._base_manager.filter(retirement=APPROVED).update(retirement=HELD)
    Approval._base_manager.filter(state=Approval.State.APPROVED).update(state=Approval.State.OUTDATED)
    Rollout._base_manager.update(generation=0)
    Rollout._base_manager.exclude(phase__in=OVER).update(phase="Superseded", ended_at=timezone.now())


def _reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), apps.get_models(include_auto_created=True)):
            cursor.execute(statement)
