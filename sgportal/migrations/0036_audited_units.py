import django.db.models.deletion
from django.db import migrations, models


def _states(path, state):
    """The labels of each node that a state tells of; of a job's it may be the same for all of them."""
    if not isinstance(state, dict):
        return
    several = [each for each in state.values() if isinstance(each, dict)]
    yield from several if several and not path.startswith("nodes/") else [state]


def find(apps, schema_editor):
    """The NodeUnits of the entries that there are."""
    entries, units = (apps.get_model("sgportal", name) for name in ("AuditEvent", "AuditedUnit"))
    rows = entries.objects.filter(kind="change", verb__in=("label", "move")).order_by("pk")
    for pk, path, *states in rows.values_list("pk", "path", "before", "after").iterator(chunk_size=200):
        found = {
            (key, value)
            for state in states
            for labels in _states(path, state)
            for key, value in labels.items()
            if isinstance(value, str) and value
        }
        units.objects.bulk_create(units(entry_id=pk, key=key[:317], unit=value[:63]) for key, value in sorted(found))


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0035_remembered_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditedUnit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=317)),
                ('unit', models.CharField(max_length=63)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='units', to='sgportal.auditevent')),
            ],
            options={
                'indexes': [models.Index(fields=['key', 'unit'], name='sgportal_au_key_0fbf13_idx')],
            },
        ),
        migrations.RunPython(find, migrations.RunPython.noop),
    ]
