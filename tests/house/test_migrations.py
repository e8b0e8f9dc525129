"""A migration only adds, so that the version before works on what it leaves: `helm rollback` does not touch the
database, and while an upgrade is under way both versions write."""

from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED

FIRST = "0034"  # those before came when no version of them ran anywhere
TAKES_AWAY = {"RemoveField", "DeleteModel", "RenameField", "RenameModel", "AlterModelTable"}


def _operations():
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if app == "sgportal" and name >= FIRST:
            yield from ((name, operation) for operation in migration.operations)


def test_no_migration_takes_away_what_the_version_before_reads():
    assert [(name, each) for name, each in _operations() if type(each).__name__ in TAKES_AWAY] == []


def test_the_version_before_can_insert_rows():
    """It does not name a new column: the database has a value for it, or lets it be empty."""
    added = [(name, each) for name, each in _operations() if type(each).__name__ == "AddField"]
    assert added
    assert [
        (name, each.model_name, each.name)
        for name, each in added
        if not (each.field.null or each.field.many_to_many or each.field.db_default is not NOT_PROVIDED)
    ] == []


# What a version that may still run beside this one, or be rolled back to, names in ON CONFLICT.
UPSERTED = {
    "Child": ("kind", "namespace", "name"),
    "ChildDeletion": ("grid", "unit"),
    "DataPlane": ("id",),
    "DueCell": ("label", "grid", "unit", "moved", "changed", "batch"),
    "GridUnit": ("grid", "name"),
    "Namespace": ("name",),
    "Node": ("name",),
    "NodeLabel": ("node", "key"),
    "Pod": ("uid",),
    "ResourceSync": ("resource",),
    "RolloutUnit": ("rollout", "name"),
    "Slice": ("namespace", "name"),
}


def test_what_the_version_before_names_in_on_conflict_stays_unique():
    """A database refuses the whole statement where no unique key has exactly these columns."""
    for name, columns in UPSERTED.items():
        options = apps.get_model("sgportal", name)._meta
        keys = {frozenset(each.fields) for each in options.total_unique_constraints}
        keys |= {frozenset([each.name]) for each in options.fields if each.unique}
        assert frozenset(columns) in keys, name
