"""Transfers between portfolios, and the value that they move for performance."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER trading_portfoliotransfer_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_portfoliotransfer
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_valueflow_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_valueflow
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE ON trading_portfoliotransfer, trading_valueflow FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_valueflow_append_only ON trading_valueflow;
DROP TRIGGER trading_portfoliotransfer_append_only ON trading_portfoliotransfer;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0008_corporate_actions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PortfolioTransfer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('CASH', 'Cash'), ('IN_KIND', 'In kind')], max_length=7)),
                ('asset', models.CharField(max_length=20)),
                ('quantity', models.DecimalField(decimal_places=8, max_digits=26)),
                ('value', models.DecimalField(decimal_places=8, max_digits=26)),
                ('idempotency_key', models.CharField(max_length=100)),
                ('terms_digest', models.CharField(max_length=64)),
                ('entry_id', models.UUIDField(unique=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transfers_out', to='trading.portfolio')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='transfers_in', to='trading.portfolio')),
            ],
            options={
                'indexes': [models.Index(fields=['source', '-created_at'], name='trading_transfer_out'), models.Index(fields=['target', '-created_at'], name='trading_transfer_in')],
                'constraints': [models.UniqueConstraint(fields=('client', 'idempotency_key'), name='trading_portfoliotransfer_once'), models.CheckConstraint(condition=models.Q(('quantity__gt', 0), ('value__gte', 0), models.Q(('source', models.F('target')), _negated=True)), name='trading_portfoliotransfer_moves'), models.CheckConstraint(condition=models.Q(('kind__in', ['CASH', 'IN_KIND'])), name='trading_portfoliotransfer_kind')],
            },
        ),
        migrations.CreateModel(
            name='ValueFlow',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('amount', models.DecimalField(decimal_places=8, max_digits=26)),
                ('reference', models.UUIDField()),
                ('occurred_at', models.DateTimeField()),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='flows', to='trading.portfolio')),
            ],
            options={
                'indexes': [models.Index(fields=['portfolio', 'occurred_at'], name='trading_flow_of')],
                'constraints': [models.UniqueConstraint(fields=('portfolio', 'reference'), name='trading_flow_once')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
