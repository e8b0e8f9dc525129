"""The work to do knows its cluster."""

import django.db.models.deletion
import sgportal.models.scopes.clusters
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0045_cluster_of_what_happened'),
    ]

    operations = [
        migrations.AddField(
            model_name='duecell',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='workkey',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AlterField(
            model_name='workkey',
            name='key',
            field=models.CharField(max_length=512),
        ),
        migrations.AddConstraint(
            model_name='workkey',
            constraint=models.UniqueConstraint(fields=('key', 'cluster'), name='one_row_per_key'),
        ),
    ]
