"""Target weights, batches of orders, and recurring plans with their runs."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER trading_target_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_targetallocation
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE ON trading_targetallocation FROM stratford_app;
    REVOKE DELETE ON trading_investmentplan, trading_planrun FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = "DROP TRIGGER trading_target_append_only ON trading_targetallocation;"


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0014_paper_and_live_apart'),
    ]

    operations = [
        migrations.CreateModel(
            name='InvestmentPlan',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('PAUSED', 'Paused'), ('ENDED', 'Ended')], default='ACTIVE', max_length=6)),
                ('amount', models.DecimalField(decimal_places=8, max_digits=26)),
                ('weights', models.JSONField(default=dict)),
                ('frequency', models.CharField(choices=[('WEEKLY', 'Weekly'), ('MONTHLY', 'Monthly')], max_length=7)),
                ('day', models.PositiveSmallIntegerField()),
                ('start_date', models.DateField()),
                ('end_date', models.DateField(blank=True, null=True)),
                ('next_due_date', models.DateField(blank=True, null=True)),
                ('idempotency_key', models.CharField(max_length=100)),
                ('terms_digest', models.CharField(max_length=64)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='trading.portfolio')),
            ],
        ),
        migrations.CreateModel(
            name='OrderBatch',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('REBALANCE', 'Rebalancing'), ('PLAN', 'Plan')], max_length=9)),
                ('status', models.CharField(choices=[('PROPOSED', 'Proposed'), ('SELLING', 'Selling'), ('DONE', 'Done')], max_length=8)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='trading.portfolio')),
            ],
            options={
                'verbose_name_plural': 'order batches',
            },
        ),
        migrations.CreateModel(
            name='BatchLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('symbol', models.CharField(blank=True, max_length=20)),
                ('side', models.CharField(blank=True, max_length=4)),
                ('quantity', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('notional', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('price', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('fees', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('value', models.DecimalField(decimal_places=8, max_digits=38, null=True)),
                ('weight', models.DecimalField(decimal_places=6, max_digits=12, null=True)),
                ('target_weight', models.DecimalField(decimal_places=6, max_digits=12, null=True)),
                ('reasons', models.JSONField(default=list)),
                ('status', models.CharField(choices=[('IDLE', 'Nothing to trade'), ('WAITING', 'Waiting'), ('PLACED', 'Placed'), ('REFUSED', 'Refused')], max_length=7)),
                ('code', models.CharField(blank=True, max_length=50)),
                ('message', models.CharField(blank=True, max_length=300)),
                ('order', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.order')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='trading.orderbatch')),
            ],
        ),
        migrations.CreateModel(
            name='PlanRun',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('due_date', models.DateField()),
                ('run_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('DUE', 'Due'), ('FUNDING', 'Waiting for the bank'), ('DONE', 'Done'), ('FAILED', 'Failed'), ('SKIPPED', 'Skipped')], default='DUE', max_length=7)),
                ('code', models.CharField(blank=True, max_length=50)),
                ('message', models.CharField(blank=True, max_length=300)),
                ('batch', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.orderbatch')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='runs', to='trading.investmentplan')),
                ('transfer', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.cashtransfer')),
            ],
        ),
        migrations.CreateModel(
            name='TargetAllocation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('number', models.PositiveIntegerField()),
                ('weights', models.JSONField()),
                ('cash', models.DecimalField(decimal_places=6, max_digits=7)),
                ('absolute_band', models.DecimalField(decimal_places=6, max_digits=7)),
                ('relative_band', models.DecimalField(blank=True, decimal_places=6, max_digits=7, null=True)),
                ('order_minimum', models.DecimalField(decimal_places=8, max_digits=26)),
                ('cash_kept', models.DecimalField(decimal_places=8, max_digits=26)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='targets', to='trading.portfolio')),
            ],
        ),
        migrations.AddField(
            model_name='orderbatch',
            name='target',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='trading.targetallocation'),
        ),
        migrations.AddIndex(
            model_name='investmentplan',
            index=models.Index(condition=models.Q(('status', 'ACTIVE')), fields=['next_due_date'], name='trading_plan_due'),
        ),
        migrations.AddConstraint(
            model_name='investmentplan',
            constraint=models.UniqueConstraint(fields=('portfolio', 'idempotency_key'), name='trading_plan_once'),
        ),
        migrations.AddConstraint(
            model_name='investmentplan',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('day__gte', 1), ('day__lte', 31)), name='trading_plan_amounts'),
        ),
        migrations.AddConstraint(
            model_name='investmentplan',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'ENDED'), _negated=True), ('next_due_date', None), _connector='OR'), name='trading_plan_ended'),
        ),
        migrations.AddConstraint(
            model_name='batchline',
            constraint=models.UniqueConstraint(fields=('batch', 'position'), name='trading_batchline_place'),
        ),
        migrations.AddConstraint(
            model_name='batchline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('order__isnull', False), ('status', 'PLACED')), models.Q(models.Q(('status', 'PLACED'), _negated=True), ('order', None)), _connector='OR'), name='trading_batchline_placed'),
        ),
        migrations.AddIndex(
            model_name='planrun',
            index=models.Index(condition=models.Q(('status__in', ['DUE', 'FUNDING'])), fields=['run_at'], name='trading_planrun_open'),
        ),
        migrations.AddConstraint(
            model_name='planrun',
            constraint=models.UniqueConstraint(fields=('plan', 'due_date'), name='trading_planrun_once'),
        ),
        migrations.AddConstraint(
            model_name='planrun',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'FAILED'), _negated=True), models.Q(('code', ''), _negated=True), _connector='OR'), name='trading_planrun_reason'),
        ),
        migrations.AddConstraint(
            model_name='targetallocation',
            constraint=models.UniqueConstraint(fields=('portfolio', 'number'), name='trading_target_version'),
        ),
        migrations.AddConstraint(
            model_name='targetallocation',
            constraint=models.CheckConstraint(condition=models.Q(('absolute_band__gte', 0), ('absolute_band__lte', 1), ('cash__gte', 0), ('cash__lt', 1), ('cash_kept__gte', 0), ('order_minimum__gte', 0)), name='trading_target_amounts'),
        ),
        migrations.AddIndex(
            model_name='orderbatch',
            index=models.Index(fields=['portfolio', '-created_at'], name='trading_batch_of_portfolio'),
        ),
        migrations.AddIndex(
            model_name='orderbatch',
            index=models.Index(condition=models.Q(('status', 'SELLING')), fields=['id'], name='trading_batch_selling'),
        ),
        migrations.AddConstraint(
            model_name='orderbatch',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at', None), ('status', 'PROPOSED')), models.Q(('confirmed_at__isnull', False), ('status__in', ['SELLING', 'DONE'])), _connector='OR'), name='trading_batch_confirmed'),
        ),
        migrations.AddConstraint(
            model_name='orderbatch',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'PROPOSED')), fields=('portfolio',), name='trading_batch_one_proposal'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
