"""What screening keeps: results, decisions, thresholds, searches, cases, the index of names."""

import apps.infrastructure.encryption
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0008_internal_movements'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NameIndexFile',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(max_length=12, unique=True)),
                ('state', models.CharField(max_length=64)),
                ('content', models.BinaryField()),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='screeninghit',
            name='subject',
            field=apps.infrastructure.encryption.EncryptedJSONField(data_class='compliance', null=True, row='pk'),
        ),
        migrations.CreateModel(
            name='HitDecision',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('disposition', models.CharField(choices=[('OPEN', 'Open'), ('TRUE_MATCH', 'True match'), ('FALSE_POSITIVE', 'False positive'), ('INCONCLUSIVE', 'Inconclusive'), ('SUPERSEDED', 'Superseded')], max_length=14)),
                ('reason_code', models.CharField(max_length=30)),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('narrative', apps.infrastructure.encryption.EncryptedTextField(data_class='compliance', max_length=1000, row='uid')),
                ('evidence_version', models.PositiveIntegerField()),
                ('decided_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('decided_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('hit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='compliance.screeninghit')),
            ],
            options={
                'ordering': ('id',),
            },
        ),
        migrations.CreateModel(
            name='ScreeningSearch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('purpose', models.CharField(max_length=200)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('status', models.CharField(choices=[('RUNNING', 'Running'), ('DONE', 'Done')], default='RUNNING', max_length=7)),
                ('list_versions', models.JSONField(default=dict)),
                ('matcher_version', models.CharField(blank=True, max_length=20)),
                ('row_count', models.PositiveIntegerField()),
                ('done_count', models.PositiveIntegerField(default=0)),
                ('hit_count', models.PositiveIntegerField(default=0)),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'screening searches',
                'ordering': ('-created_at',),
                'permissions': (('run_screeningsearch', 'Can screen names on demand'),),
            },
        ),
        migrations.CreateModel(
            name='ScreeningSearchRow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('asked', apps.infrastructure.encryption.EncryptedJSONField(data_class='compliance', row='uid')),
                ('results', apps.infrastructure.encryption.EncryptedJSONField(data_class='compliance', null=True, row='uid')),
                ('is_done', models.BooleanField(default=False)),
                ('search', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='compliance.screeningsearch')),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.CreateModel(
            name='ScreeningThreshold',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('list_code', models.CharField(blank=True, max_length=30)),
                ('risk_class', models.CharField(blank=True, choices=[('LOW', 'Low'), ('MEDIUM', 'Medium'), ('HIGH', 'High')], max_length=6)),
                ('version', models.PositiveIntegerField()),
                ('base_version', models.PositiveIntegerField()),
                ('threshold', models.DecimalField(decimal_places=3, max_digits=4)),
                ('reason', models.CharField(max_length=1000)),
                ('replay', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('PROPOSED', 'Waits for a second officer'), ('ACTIVE', 'In force'), ('RETIRED', 'Replaced'), ('DECLINED', 'Declined')], default='PROPOSED', max_length=8)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('list_code', 'risk_class', '-version'),
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('origin', models.CharField(max_length=60)),
                ('status', models.CharField(choices=[('OPEN', 'Open'), ('CLOSED', 'Closed')], default='OPEN', max_length=6)),
                ('opened_at', models.DateTimeField()),
                ('assignee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-opened_at',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'OPEN')), fields=('client',), name='compliance_case_one_open')],
            },
        ),
        migrations.CreateModel(
            name='ScreeningResult',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('score', models.DecimalField(decimal_places=3, max_digits=4)),
                ('threshold', models.DecimalField(decimal_places=3, max_digits=4)),
                ('entity', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.watchlistentity')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='compliance.screeningrun')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('run', 'entity'), name='screening_result_once')],
            },
        ),
        migrations.AddConstraint(
            model_name='screeningsearch',
            constraint=models.UniqueConstraint(condition=models.Q(('digest', ''), _negated=True), fields=('actor', 'digest'), name='screening_search_file_once'),
        ),
        migrations.AddConstraint(
            model_name='screeningsearch',
            constraint=models.CheckConstraint(condition=models.Q(('done_count__lte', models.F('row_count'))), name='screening_search_progress'),
        ),
        migrations.AddConstraint(
            model_name='screeningsearchrow',
            constraint=models.UniqueConstraint(fields=('search', 'number'), name='screening_search_row_once'),
        ),
        migrations.AddConstraint(
            model_name='screeningthreshold',
            constraint=models.UniqueConstraint(fields=('list_code', 'risk_class', 'version'), name='screening_threshold_version'),
        ),
        migrations.AddConstraint(
            model_name='screeningthreshold',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'ACTIVE')), fields=('list_code', 'risk_class'), name='screening_threshold_one_active'),
        ),
        migrations.AddConstraint(
            model_name='screeningthreshold',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'PROPOSED')), fields=('list_code', 'risk_class'), name='screening_threshold_one_proposed'),
        ),
        migrations.AddConstraint(
            model_name='screeningthreshold',
            constraint=models.CheckConstraint(condition=models.Q(('threshold__gte', Decimal('0.800')), ('threshold__lte', Decimal('0.990'))), name='screening_threshold_bounds'),
        ),
        migrations.AddConstraint(
            model_name='screeningthreshold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('status', 'PROPOSED')), models.Q(('decided_by__isnull', False), ('status', 'DECLINED')), models.Q(('decided_by__isnull', False), ('status__in', ['ACTIVE', 'RETIRED']), models.Q(('decided_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='screening_threshold_two_officers'),
        ),
    ]
