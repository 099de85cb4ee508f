"""Events, their outbox and checkpoints."""

import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('sequence', models.BigAutoField(primary_key=True, serialize=False)),
                ('event_id', models.UUIDField(unique=True)),
                ('stream', models.CharField(max_length=100)),
                ('version', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=100)),
                ('payload', models.JSONField()),
                ('actor_id', models.UUIDField(null=True)),
                ('occurred_at', models.DateTimeField()),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('previous_hash', models.CharField(blank=True, max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'occurred_at'], name='audit_name_time'), models.Index(fields=['actor_id', '-sequence'], name='audit_actor'), models.Index(django.db.models.fields.json.KeyTextTransform('client_id', 'payload'), models.OrderBy(models.F('sequence'), descending=True), name='audit_about')],
                'constraints': [models.UniqueConstraint(fields=('stream', 'version'), name='audit_stream_version')],
            },
        ),
        migrations.CreateModel(
            name='Checkpoint',
            fields=[
                ('number', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('first_sequence', models.BigIntegerField()),
                ('last_sequence', models.BigIntegerField()),
                ('event_count', models.PositiveIntegerField()),
                ('merkle_root', models.CharField(max_length=64)),
                ('previous_hash', models.CharField(blank=True, max_length=64)),
                ('created_at', models.DateTimeField()),
                ('hash', models.CharField(max_length=64, unique=True)),
                ('signature', models.CharField(max_length=128)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('last_sequence',), name='audit_checkpoint_last'), models.CheckConstraint(condition=models.Q(('first_sequence__lte', models.F('last_sequence'))), name='audit_checkpoint_range')],
            },
        ),
        migrations.CreateModel(
            name='OutboxMessage',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('stream', models.CharField(max_length=100)),
                ('handler', models.CharField(max_length=200)),
                ('context', models.CharField(max_length=30)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_error', models.CharField(blank=True, max_length=300)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='audit.auditevent')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('delivered_at', None)), fields=['context', 'id'], name='audit_outbox_pending'), models.Index(condition=models.Q(('delivered_at', None)), fields=['stream', 'handler', 'id'], name='audit_outbox_order')],
                'constraints': [models.UniqueConstraint(fields=('event', 'handler'), name='audit_outbox_once')],
            },
        ),
    ]
