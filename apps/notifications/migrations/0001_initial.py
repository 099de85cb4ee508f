"""Messages to clients and to their webhooks."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.infrastructure.encryption


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('url', apps.infrastructure.encryption.EncryptedTextField(data_class='personal', row='pk')),
                ('secret', apps.infrastructure.encryption.EncryptedTextField(data_class='credentials', row='pk')),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), size=None)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('paused_until', models.DateTimeField(null=True)),
                ('disabled_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('revoked_at', None)), fields=['user'], name='notifications_hook_live')],
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('event_id', models.UUIDField()),
                ('event_type', models.CharField(max_length=30)),
                ('body', models.TextField()),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('DELIVERED', 'Delivered'), ('FAILED', 'Failed')], default='PENDING', max_length=9)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(auto_now_add=True)),
                ('response_status', models.PositiveIntegerField(null=True)),
                ('error_code', models.CharField(blank=True, max_length=40)),
                ('delivered_at', models.DateTimeField(null=True)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='notifications.webhook')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'PENDING')), fields=['next_attempt_at'], name='notifications_hook_due')],
                'constraints': [models.UniqueConstraint(fields=('webhook', 'event_id'), name='notifications_hook_once')],
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(max_length=30)),
                ('title', apps.infrastructure.encryption.EncryptedTextField(data_class='notifications', max_length=120, row='pk')),
                ('body', apps.infrastructure.encryption.EncryptedTextField(data_class='notifications', max_length=1000, row='pk')),
                ('body_code', models.CharField(max_length=50)),
                ('also_to', apps.infrastructure.encryption.EncryptedTextField(data_class='notifications', null=True, row='pk')),
                ('event_id', models.UUIDField()),
                ('read_at', models.DateTimeField(null=True)),
                ('mailed_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['user', '-created_at'], name='notifications_user')],
                'constraints': [models.UniqueConstraint(fields=('user', 'event_id'), name='notifications_once')],
            },
        ),
    ]
