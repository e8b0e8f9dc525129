"""What was seen of a cluster knows which one. Names stay unique by themselves as well: the version before names
them alone in ON CONFLICT."""

import django.db.models.deletion
import sgportal.models.scopes.clusters
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0043_clusters'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='cellusage',
            name='one_usage_per_cell',
        ),
        migrations.RemoveConstraint(
            model_name='podusage',
            name='one_usage_per_pod',
        ),
        migrations.RemoveConstraint(
            model_name='unitusage',
            name='one_usage_per_unit',
        ),
        migrations.RemoveIndex(
            model_name='nodelabel',
            name='sgportal_no_key_282575_idx',
        ),
        migrations.AddField(
            model_name='cellusage',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='child',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='namespace',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='node',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='nodelabel',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='nodeusage',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='pod',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='podusage',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='slice',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='unitusage',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AlterField(
            model_name='nodeusage',
            name='node',
            field=models.CharField(max_length=253),
        ),
        migrations.AddIndex(
            model_name='nodelabel',
            index=models.Index(fields=['key', 'value', 'cluster'], name='label_values'),
        ),
        migrations.AddConstraint(
            model_name='cellusage',
            constraint=models.UniqueConstraint(fields=('kind', 'namespace', 'name', 'unit', 'cluster'), name='one_usage_of_cell'),
        ),
        migrations.AddConstraint(
            model_name='child',
            constraint=models.UniqueConstraint(fields=('kind', 'namespace', 'name', 'cluster'), name='one_child_per_place'),
        ),
        migrations.AddConstraint(
            model_name='namespace',
            constraint=models.UniqueConstraint(fields=('name', 'cluster'), name='one_namespace_per_place'),
        ),
        migrations.AddConstraint(
            model_name='node',
            constraint=models.UniqueConstraint(fields=('name', 'cluster'), name='one_node_per_place'),
        ),
        migrations.AddConstraint(
            model_name='nodeusage',
            constraint=models.UniqueConstraint(fields=('node', 'cluster'), name='one_usage_of_node'),
        ),
        migrations.AddConstraint(
            model_name='podusage',
            constraint=models.UniqueConstraint(fields=('namespace', 'name', 'cluster'), name='one_usage_of_pod'),
        ),
        migrations.AddConstraint(
            model_name='slice',
            constraint=models.UniqueConstraint(fields=('namespace', 'name', 'cluster'), name='one_slice_per_place'),
        ),
        migrations.AddConstraint(
            model_name='unitusage',
            constraint=models.UniqueConstraint(fields=('key', 'unit', 'cluster'), name='one_usage_of_unit'),
        ),
    ]
