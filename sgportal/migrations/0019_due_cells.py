from django.db import migrations, models


class Migration(migrations.Migration):
    """Cells to reconcile, each added when something happens to it."""
    dependencies = [
        ("sgportal", "0018_names"),
    ]

    operations = [
        migrations.CreateModel(
            name="DueCell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=317)),
                ("grid", models.BigIntegerField(default=0)),
                ("unit", models.CharField(max_length=63)),
                ("moved", models.BooleanField(default=False)),
                ("changed", models.BooleanField(default=False)),
                ("batch", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("label", "grid", "unit", "moved", "changed", "batch"), name="one_row_per_due_cell"
                    )
                ],
                "indexes": [
                    models.Index(
                        models.F("label"),
                        models.OrderBy(models.F("moved"), descending=True),
                        models.F("id"),
                        name="cells_to_do",
                    ),
                    models.Index(models.F("grid"), condition=models.Q(("changed", True)), name="cells_changing"),
                ],
            },
        ),
    ]
