import django.utils.timezone
from django.db import migrations, models


def begin(apps, schema_editor):
    """Of every label there is the record is whole so far; which of them are kept, the first turn says."""
    history, remembered = (apps.get_model("sgportal", name) for name in ("LabelHistory", "RememberedLabel"))
    since = history.objects.aggregate(first=models.Min("since"))["first"]
    keys = history.objects.order_by().values_list("key", flat=True).distinct()
    remembered.objects.bulk_create(remembered(key=key, since=since, kept=False) for key in keys)


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0034_tracks_of_rollouts'),
    ]

    operations = [
        migrations.CreateModel(
            name='RememberedLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=317, unique=True)),
                ('since', models.DateTimeField(default=django.utils.timezone.now)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('kept', models.BooleanField(default=True)),
            ],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
