"""What people want knows its cluster."""

import django.db.models.deletion
import sgportal.models.scopes.clusters
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0042_usage'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='grid',
            name='one_grid_per_name',
        ),
        migrations.RemoveConstraint(
            model_name='servicegroup',
            name='one_servicegroup_per_name',
        ),
        migrations.AddField(
            model_name='childdeletion',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='grid',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='gridunit',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='labeljob',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='managedcluster',
            name='name',
            field=models.CharField(blank=True, db_default='', default='', max_length=63),
        ),
        migrations.AddField(
            model_name='packagerevision',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='revision',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='rollout',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='rolloutunit',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='servicegroup',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AlterField(
            model_name='dataplane',
            name='id',
            field=models.PositiveSmallIntegerField(default=sgportal.models.scopes.clusters.current, editable=False, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='managedcluster',
            name='id',
            field=models.PositiveSmallIntegerField(default=sgportal.models.scopes.clusters.current, editable=False, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='managementmode',
            name='id',
            field=models.PositiveSmallIntegerField(default=sgportal.models.scopes.clusters.current, editable=False, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='usagesource',
            name='id',
            field=models.PositiveSmallIntegerField(default=sgportal.models.scopes.clusters.current, editable=False, primary_key=True, serialize=False),
        ),
        migrations.AddConstraint(
            model_name='grid',
            constraint=models.UniqueConstraint(fields=('kind', 'namespace', 'name', 'cluster'), name='one_grid_here'),
        ),
        migrations.AddConstraint(
            model_name='servicegroup',
            constraint=models.UniqueConstraint(fields=('namespace', 'name', 'cluster'), name='one_package_per_place'),
        ),
    ]
