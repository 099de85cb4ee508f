"""One queue for all kinds of work; assignees and locks move there."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


# Who has an alert or a case keeps it.  No priority is 0: the first sync writes the rest.
KEEP_ASSIGNEES = """
INSERT INTO compliance_workitem (id, created_at, updated_at, kind, subject_id, page_id, stream,
  client_id, topic, title, summary, priority, opened_at, due_at, assignee_id)
SELECT gen_random_uuid(), now(), now(), 'ALERT', id, id, 'alert-' || id, client_id, '', '', '', 0,
  created_at, due_at, assignee_id
FROM compliance_alert
WHERE status = 'OPEN' AND assignee_id <> client_id
UNION ALL
SELECT gen_random_uuid(), now(), now(), 'CASE', id, id, 'case-' || id, client_id, '', '', '', 0,
  opened_at, opened_at, assignee_id
FROM compliance_case
WHERE status = 'OPEN' AND assignee_id <> client_id;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0019_ownership'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=40)),
                ('query', models.CharField(max_length=300)),
                ('is_shared', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ('name', 'id'),
            },
        ),
        migrations.CreateModel(
            name='WorkItem',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(max_length=9)),
                ('subject_id', models.UUIDField()),
                ('page_id', models.UUIDField()),
                ('stream', models.CharField(max_length=120)),
                ('topic', models.CharField(blank=True, max_length=50)),
                ('title', models.CharField(max_length=150)),
                ('summary', models.CharField(blank=True, max_length=300)),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'Urgent'), (2, 'High'), (3, 'Normal')])),
                ('opened_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('proposed_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name_plural': 'work queue',
                'ordering': ('priority', 'due_at', 'opened_at', 'id'),
                'permissions': (('take_workitem', 'Can take work and open it for deciding'), ('assign_workitem', 'Can give work to others')),
            },
        ),
        migrations.CreateModel(
            name='WorkLock',
            fields=[
                ('page_id', models.UUIDField(primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='workitem',
            name='assignee',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='workitem',
            name='client',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='workitem',
            name='proposed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='worklock',
            name='officer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('owner', 'name'), name='saved_view_once'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['priority', 'due_at', 'opened_at', 'id'], name='work_item_queue'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(condition=models.Q(('closed_at', None)), fields=['page_id'], name='work_item_page'),
        ),
        migrations.AddIndex(
            model_name='workitem',
            index=models.Index(fields=['closed_at'], name='work_item_closed'),
        ),
        migrations.AddConstraint(
            model_name='workitem',
            constraint=models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('kind', 'subject_id'), name='work_item_one_open'),
        ),
        migrations.AddConstraint(
            model_name='workitem',
            constraint=models.CheckConstraint(condition=models.Q(('assignee', models.F('proposed_by')), _negated=True), name='work_item_second_officer'),
        ),
        migrations.AddConstraint(
            model_name='workitem',
            constraint=models.CheckConstraint(condition=models.Q(('assignee', models.F('client')), _negated=True), name='work_item_not_about_oneself'),
        ),
        migrations.AddConstraint(
            model_name='workitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('proposed_at', None), ('proposed_by', None)), models.Q(('proposed_at__isnull', False), ('proposed_by__isnull', False)), _connector='OR'), name='work_item_proposal'),
        ),
        migrations.RunSQL(KEEP_ASSIGNEES, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name='alert',
            name='compliance_alert_lock',
        ),
        migrations.RemoveField(
            model_name='alert',
            name='assignee',
        ),
        migrations.RemoveField(
            model_name='alert',
            name='locked_by',
        ),
        migrations.RemoveField(
            model_name='alert',
            name='locked_until',
        ),
        migrations.RemoveField(
            model_name='case',
            name='assignee',
        ),
    ]
