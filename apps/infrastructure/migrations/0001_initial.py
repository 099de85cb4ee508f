import uuid

import django.db.models.functions.datetime
from django.db import migrations, models

import apps.infrastructure.encryption


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='DataKey',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('data_class', models.CharField(max_length=30)),
                ('version', models.PositiveIntegerField()),
                ('key_id', models.BinaryField(max_length=8, unique=True)),
                ('wrapped', models.BinaryField(max_length=1000)),
                ('kek_id', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('data_class', 'version'), name='infrastructure_datakey_version')],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyRecord',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('principal', models.CharField(max_length=64)),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('body', apps.infrastructure.encryption.EncryptedTextField(data_class='answers', null=True, row='pk')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('principal', 'key'), name='infrastructure_idempotency')],
            },
        ),
    ]
