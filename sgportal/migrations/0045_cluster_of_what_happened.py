"""What happened knows in which cluster."""

import django.db.models.deletion
import sgportal.models.scopes.clusters
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sgportal', '0044_cluster_of_what_was_seen'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='cellhistory',
            name='one_present_per_cell',
        ),
        migrations.RemoveConstraint(
            model_name='labelhistory',
            name='one_present_per_label',
        ),
        migrations.RemoveConstraint(
            model_name='nodehistory',
            name='one_present_per_node',
        ),
        migrations.RemoveConstraint(
            model_name='notice',
            name='one_open_notice_per_cause',
        ),
        migrations.AddField(
            model_name='auditedunit',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='cellhistory',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='gridevent',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='journal',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='labelhistory',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='nodehistory',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='notice',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AddField(
            model_name='rememberedlabel',
            name='cluster',
            field=models.ForeignKey(db_constraint=False, db_default=1, db_index=False, default=sgportal.models.scopes.clusters.current, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sgportal.managedcluster'),
        ),
        migrations.AlterField(
            model_name='rememberedlabel',
            name='key',
            field=models.CharField(max_length=317),
        ),
        migrations.AddConstraint(
            model_name='cellhistory',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('kind', 'namespace', 'name', 'unit', 'cluster'), name='one_present_cell'),
        ),
        migrations.AddConstraint(
            model_name='labelhistory',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('node', 'key', 'cluster'), name='one_present_label'),
        ),
        migrations.AddConstraint(
            model_name='nodehistory',
            constraint=models.UniqueConstraint(condition=models.Q(('until', None)), fields=('node', 'cluster'), name='one_present_node'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('finding', 'cluster'), name='one_open_notice'),
        ),
        migrations.AddConstraint(
            model_name='rememberedlabel',
            constraint=models.UniqueConstraint(fields=('key', 'cluster'), name='one_row_per_label'),
        ),
    ]
