"""Custody fees and interest on cash: rates under four eyes, what days add, what months come to."""

import django.db.models.deletion
import django.db.models.expressions
import uuid
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION trading_charge_rate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  decided CONSTANT text[] :=
    ARRAY['status', 'version', 'decided_by_id', 'decided_at', 'effective_on', 'updated_at'];
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a rate begins as a proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;
  ELSIF OLD.status <> 'PROPOSED' OR to_jsonb(NEW) - decided <> to_jsonb(OLD) - decided THEN
    RAISE EXCEPTION 'a rate is proposed and decided once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_charge_rate_decided_once
  BEFORE INSERT OR UPDATE ON trading_chargerate
  FOR EACH ROW EXECUTE FUNCTION trading_charge_rate_guard();
CREATE FUNCTION trading_charge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  booked CONSTANT text[] := ARRAY['status', 'entry_id', 'booked_at', 'updated_at'];
BEGIN
  IF OLD.status <> 'DUE' OR to_jsonb(NEW) - booked <> to_jsonb(OLD) - booked THEN
    RAISE EXCEPTION 'a charge is booked once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_charge_booked_once
  BEFORE UPDATE ON trading_charge FOR EACH ROW EXECUTE FUNCTION trading_charge_guard();
CREATE TRIGGER trading_charge_rate_kept
  BEFORE DELETE OR TRUNCATE ON trading_chargerate
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_charge_kept
  BEFORE DELETE OR TRUNCATE ON trading_charge
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_accrual_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_chargeaccrual
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE, TRUNCATE ON trading_chargerate, trading_charge, trading_accrualday
      FROM stratford_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON trading_chargeaccrual FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_accrual_append_only ON trading_chargeaccrual;
DROP TRIGGER trading_charge_kept ON trading_charge;
DROP TRIGGER trading_charge_rate_kept ON trading_chargerate;
DROP TRIGGER trading_charge_booked_once ON trading_charge;
DROP FUNCTION trading_charge_guard();
DROP TRIGGER trading_charge_rate_decided_once ON trading_chargerate;
DROP FUNCTION trading_charge_rate_guard();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0017_orders_without_units'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccrualDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('booked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='ChargeRate',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('CUSTODY_FEE', 'Custody fee'), ('CREDIT_INTEREST', 'Credit interest')], max_length=15)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('rate_bps', models.DecimalField(decimal_places=2, max_digits=9, null=True, verbose_name='basis points a year')),
                ('effective_on', models.DateField(null=True)),
                ('based_on', models.PositiveIntegerField(default=0)),
                ('version', models.PositiveIntegerField(null=True)),
                ('reason', models.CharField(max_length=300)),
                ('status', models.CharField(choices=[('PROPOSED', 'Awaiting second officer'), ('CONFIRMED', 'Confirmed'), ('DECLINED', 'Declined')], default='PROPOSED', max_length=9)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('portfolio', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.portfolio')),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': (('decide_chargerate', 'Can propose and confirm rates of charges'),),
            },
        ),
        migrations.CreateModel(
            name='ChargeAccrual',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('CUSTODY_FEE', 'Custody fee'), ('CREDIT_INTEREST', 'Credit interest')], max_length=15)),
                ('currency', models.CharField(max_length=3)),
                ('day', models.DateField()),
                ('base', models.DecimalField(decimal_places=8, max_digits=38)),
                ('rate_bps', models.DecimalField(decimal_places=2, max_digits=9, verbose_name='basis points a year')),
                ('is_complete', models.BooleanField(default=True)),
                ('portfolio', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.portfolio')),
                ('rate', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.chargerate')),
            ],
        ),
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('CUSTODY_FEE', 'Custody fee'), ('CREDIT_INTEREST', 'Credit interest')], max_length=15)),
                ('currency', models.CharField(max_length=3)),
                ('month', models.DateField()),
                ('days', models.PositiveSmallIntegerField()),
                ('amount', models.DecimalField(decimal_places=8, max_digits=26)),
                ('status', models.CharField(choices=[('DUE', 'Due'), ('BOOKED', 'Booked'), ('NOTHING', 'Rounds to nothing')], default='DUE', max_length=7)),
                ('entry_id', models.UUIDField(null=True)),
                ('booked_at', models.DateTimeField(null=True)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='trading.portfolio')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'DUE')), fields=['month'], name='trading_charge_due')],
                'constraints': [models.UniqueConstraint(fields=('portfolio', 'kind', 'currency', 'month'), name='trading_charge_once'), models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', 0), ('booked_at', None), ('entry_id', None), ('status', 'DUE')), models.Q(('amount__gt', 0), ('booked_at__isnull', False), ('entry_id__isnull', False), ('status', 'BOOKED')), models.Q(('amount', 0), ('booked_at', None), ('entry_id', None), ('status', 'NOTHING')), _connector='OR'), name='trading_charge_status'), models.CheckConstraint(condition=models.Q(('month__day', 1)), name='trading_charge_month')],
            },
        ),
        migrations.AddConstraint(
            model_name='chargerate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency', ''), ('kind', 'CUSTODY_FEE')), models.Q(('kind', 'CREDIT_INTEREST'), models.Q(('currency', ''), _negated=True)), _connector='OR'), name='trading_charge_rate_kind'),
        ),
        migrations.AddConstraint(
            model_name='chargerate',
            constraint=models.CheckConstraint(condition=models.Q(('rate_bps', None), ('rate_bps__gte', 0), _connector='OR'), name='trading_charge_rate_value'),
        ),
        migrations.AddConstraint(
            model_name='chargerate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_by', None), ('status', 'PROPOSED'), ('version', None)), models.Q(('decided_by__isnull', False), ('status', 'DECLINED'), ('version', None)), models.Q(('decided_by__isnull', False), ('effective_on__isnull', False), ('status', 'CONFIRMED'), ('version', django.db.models.expressions.CombinedExpression(models.F('based_on'), '+', models.Value(1)))), _connector='OR'), name='trading_charge_rate_state'),
        ),
        migrations.AddConstraint(
            model_name='chargerate',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'CONFIRMED'), _negated=True), models.Q(('decided_by', models.F('proposed_by')), _negated=True), _connector='OR'), name='trading_charge_rate_four_eyes'),
        ),
        migrations.AddConstraint(
            model_name='chargerate',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'CONFIRMED')), fields=('kind', 'currency', 'portfolio', 'version'), name='trading_charge_rate_version', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='chargeaccrual',
            index=models.Index(fields=['day'], name='trading_accrual_of_day'),
        ),
        migrations.AddConstraint(
            model_name='chargeaccrual',
            constraint=models.UniqueConstraint(fields=('portfolio', 'kind', 'currency', 'day'), name='trading_accrual_once'),
        ),
        migrations.AddConstraint(
            model_name='chargeaccrual',
            constraint=models.CheckConstraint(condition=models.Q(('base__gt', 0)), name='trading_accrual_base'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
