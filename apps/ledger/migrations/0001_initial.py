"""Accounts, entries, postings and proposals of reversals."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('owner_id', models.UUIDField(null=True)),
                ('kind', models.CharField(choices=[('CASH', 'Cash'), ('HELD', 'Held'), ('SECURITIES', 'Securities'), ('FEES', 'Fees'), ('DIVIDENDS', 'Dividends'), ('INTEREST', 'Interest'), ('FX', 'Fx'), ('CLIENT_MONEY', 'Client money'), ('CLEARING', 'Clearing')], max_length=12)),
                ('asset', models.CharField(max_length=20)),
                ('shard', models.PositiveSmallIntegerField(default=0)),
                ('balance', models.DecimalField(decimal_places=8, default=0, max_digits=38)),
                ('floor', models.DecimalField(decimal_places=8, max_digits=38, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner_id', 'kind', 'asset', 'shard'), name='ledger_account_key', nulls_distinct=False), models.UniqueConstraint(fields=('id', 'asset'), name='ledger_account_asset'), models.CheckConstraint(condition=models.Q(('floor', None), ('balance__gte', models.F('floor')), _connector='OR'), name='ledger_account_floor'), models.CheckConstraint(condition=models.Q(('kind__in', ['CASH', 'HELD', 'SECURITIES', 'FEES', 'DIVIDENDS', 'INTEREST', 'FX', 'CLIENT_MONEY', 'CLEARING'])), name='ledger_account_kind'), models.CheckConstraint(condition=models.Q(('owner_id', None), ('shard', 0), _connector='OR'), name='ledger_account_shards_of_firm')],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('idempotency_key', models.CharField(max_length=200, unique=True)),
                ('kind', models.CharField(max_length=40)),
                ('reference', models.CharField(blank=True, max_length=100)),
                ('digest', models.CharField(max_length=64)),
                ('posted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('reverses', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='ledger.entry')),
            ],
            options={
                'verbose_name_plural': 'entries',
                'indexes': [models.Index(fields=['-posted_at', '-id'], name='ledger_entry_newest'), models.Index(fields=['reference'], name='ledger_entry_reference')],
            },
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('asset', models.CharField(max_length=20)),
                ('amount', models.DecimalField(decimal_places=8, max_digits=38)),
                ('balance', models.DecimalField(decimal_places=8, max_digits=38)),
                ('posted_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.account')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='ledger.entry')),
            ],
            options={
                'indexes': [models.Index(fields=['account', 'posted_at', 'id'], name='ledger_posting_of_account')],
                'constraints': [models.UniqueConstraint(fields=('entry', 'account'), name='ledger_posting_once'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='ledger_posting_moves')],
            },
        ),
        migrations.CreateModel(
            name='ReversalProposal',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('reason', models.CharField(max_length=300)),
                ('status', models.CharField(choices=[('PROPOSED', 'Proposed'), ('CONFIRMED', 'Confirmed'), ('REJECTED', 'Rejected')], default='PROPOSED', max_length=9)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='proposals', to='ledger.entry')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reversal', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='proposal', to='ledger.entry')),
            ],
            options={
                'permissions': (('decide_reversal', 'Can propose and confirm reversals of entries'),),
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'PROPOSED')), fields=('entry',), name='ledger_reversal_one_open'), models.CheckConstraint(condition=models.Q(('proposed_by', models.F('decided_by')), _negated=True), name='ledger_reversal_four_eyes'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None), ('reversal', None), ('status', 'PROPOSED')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('reversal__isnull', False), ('status', 'CONFIRMED')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('reversal', None), ('status', 'REJECTED')), _connector='OR'), name='ledger_reversal_status')],
            },
        ),
    ]
