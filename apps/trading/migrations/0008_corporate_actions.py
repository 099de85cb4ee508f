"""Corporate actions, what they did to whom, and when a lot came into its portfolio."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


BACKFILL = """
UPDATE trading_lot SET opened_at = acquired_at;
ALTER TABLE trading_lotconsumption DISABLE TRIGGER trading_consumption_append_only;
UPDATE trading_lotconsumption AS part SET method = portfolio.lot_method
  FROM trading_lot AS lot JOIN trading_portfolio AS portfolio ON portfolio.id = lot.portfolio_id
 WHERE lot.id = part.lot_id;
ALTER TABLE trading_lotconsumption ENABLE TRIGGER trading_consumption_append_only;
SET CONSTRAINTS ALL IMMEDIATE;
"""
FORWARD = """
CREATE FUNCTION trading_keep_action_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF ROW(OLD.kind, OLD.symbol, OLD.currency, OLD.ex_date, OLD.record_date, OLD.pay_date,
         OLD.ratio_new, OLD.ratio_old, OLD.cash_in_lieu, OLD.amount, OLD.withholding_rate,
         OLD.new_symbol, OLD.source, OLD.proposed_by_id)
     IS DISTINCT FROM
     ROW(NEW.kind, NEW.symbol, NEW.currency, NEW.ex_date, NEW.record_date, NEW.pay_date,
         NEW.ratio_new, NEW.ratio_old, NEW.cash_in_lieu, NEW.amount, NEW.withholding_rate,
         NEW.new_symbol, NEW.source, NEW.proposed_by_id)
  THEN
    RAISE EXCEPTION 'the terms of a corporate action do not change'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_action_terms BEFORE UPDATE ON trading_corporateaction
  FOR EACH ROW EXECUTE FUNCTION trading_keep_action_terms();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE ON trading_corporateaction, trading_entitlement FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_action_terms ON trading_corporateaction;
DROP FUNCTION trading_keep_action_terms();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0007_portfolios_close'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='lot',
            name='opened_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='method',
            field=models.CharField(choices=[('FIFO', 'Fifo'), ('LIFO', 'Lifo'), ('HIFO', 'Hifo'), ('AVERAGE', 'Average'), ('SPECIFIC', 'Specific')], max_length=8, null=True),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='lot',
            name='opened_at',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='lotconsumption',
            name='method',
            field=models.CharField(choices=[('FIFO', 'Fifo'), ('LIFO', 'Lifo'), ('HIFO', 'Hifo'), ('AVERAGE', 'Average'), ('SPECIFIC', 'Specific')], max_length=8),
        ),
        migrations.CreateModel(
            name='CorporateAction',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('SPLIT', 'split'), ('DIVIDEND', 'dividend'), ('SPECIAL_DIVIDEND', 'special dividend'), ('SYMBOL_CHANGE', 'symbol change'), ('DELISTING', 'delisting')], max_length=16)),
                ('symbol', models.CharField(max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('ex_date', models.DateField()),
                ('record_date', models.DateField(blank=True, null=True)),
                ('pay_date', models.DateField(blank=True, null=True)),
                ('ratio_new', models.DecimalField(blank=True, decimal_places=8, max_digits=26, null=True)),
                ('ratio_old', models.DecimalField(blank=True, decimal_places=8, max_digits=26, null=True)),
                ('cash_in_lieu', models.DecimalField(blank=True, decimal_places=8, max_digits=26, null=True)),
                ('amount', models.DecimalField(blank=True, decimal_places=8, max_digits=26, null=True)),
                ('withholding_rate', models.DecimalField(decimal_places=8, default=Decimal('0'), max_digits=9)),
                ('new_symbol', models.CharField(blank=True, max_length=20)),
                ('source', models.CharField(max_length=300)),
                ('status', models.CharField(choices=[('PROPOSED', 'proposed'), ('CONFIRMED', 'confirmed'), ('REJECTED', 'rejected'), ('APPLIED', 'applied'), ('REVERSING', 'reversing'), ('REVERSED', 'reversed')], default='PROPOSED', max_length=9)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ('applied_at', models.DateTimeField(blank=True, null=True)),
                ('reversed_at', models.DateTimeField(blank=True, null=True)),
                ('confirmed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proposed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reversal_confirmed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reversal_proposed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-ex_date', 'symbol'),
                'permissions': (('propose_corporateaction', 'Can propose corporate actions and their reversal'), ('confirm_corporateaction', 'Can confirm what somebody else proposed')),
            },
        ),
        migrations.CreateModel(
            name='Entitlement',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('units', models.DecimalField(decimal_places=8, max_digits=26)),
                ('units_after', models.DecimalField(decimal_places=8, max_digits=26)),
                ('gross', models.DecimalField(decimal_places=8, max_digits=26)),
                ('withheld', models.DecimalField(decimal_places=8, max_digits=26)),
                ('entry_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None)),
                ('reversal_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, default=list, size=None)),
                ('reversed_at', models.DateTimeField(blank=True, null=True)),
                ('action', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entitlements', to='trading.corporateaction')),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trading.portfolio')),
            ],
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['REJECTED', 'REVERSED']), _negated=True), fields=('symbol', 'kind', 'ex_date'), name='trading_action_once'),
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_by', None), models.Q(('confirmed_by', models.F('proposed_by')), _negated=True), _connector='OR'), models.Q(('reversal_confirmed_by', None), models.Q(('reversal_confirmed_by', models.F('reversal_proposed_by')), _negated=True), _connector='OR')), name='trading_action_four_eyes'),
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_by', None), ('status__in', ['PROPOSED', 'REJECTED'])), models.Q(('confirmed_by__isnull', False), ('status__in', ['CONFIRMED', 'APPLIED'])), models.Q(('reversal_confirmed_by__isnull', False), ('reversal_proposed_by__isnull', False), ('status__in', ['REVERSING', 'REVERSED'])), _connector='OR'), name='trading_action_status'),
        ),
        migrations.AddConstraint(
            model_name='corporateaction',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['SPLIT', 'DIVIDEND', 'SPECIAL_DIVIDEND', 'SYMBOL_CHANGE', 'DELISTING'])), name='trading_action_kind'),
        ),
        migrations.AddConstraint(
            model_name='entitlement',
            constraint=models.UniqueConstraint(fields=('action', 'portfolio'), name='trading_entitlement_once'),
        ),
        migrations.AddConstraint(
            model_name='entitlement',
            constraint=models.CheckConstraint(condition=models.Q(('gross__gte', 0), ('units__gt', 0), ('units_after__gte', 0), ('withheld__gte', 0), ('withheld__lte', models.F('gross'))), name='trading_entitlement_amounts'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
