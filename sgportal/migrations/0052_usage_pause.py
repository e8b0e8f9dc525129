from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('sgportal', '0051_joined_units'),
    ]

    operations = [
        migrations.AddField(
            model_name='usagesource',
            name='pause',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
    ]
