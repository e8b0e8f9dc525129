from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('sgportal', '0052_usage_pause'),
    ]

    operations = [
        migrations.AddField(
            model_name='grid',
            name='published_as',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
    ]
