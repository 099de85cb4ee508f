"""Conversions between currencies, which never change."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


FORWARD = """
CREATE TRIGGER trading_conversion_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_conversion
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE ON trading_conversion FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = "DROP TRIGGER trading_conversion_append_only ON trading_conversion"


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0009_portfolio_transfers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Conversion',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('sold_amount', models.DecimalField(decimal_places=8, max_digits=26)),
                ('sold_currency', models.CharField(max_length=3)),
                ('bought_amount', models.DecimalField(decimal_places=8, max_digits=26)),
                ('bought_currency', models.CharField(max_length=3)),
                ('reference_rate', models.DecimalField(decimal_places=12, max_digits=38)),
                ('reference_date', models.DateField()),
                ('spread_bps', models.DecimalField(decimal_places=4, max_digits=9)),
                ('rate', models.DecimalField(decimal_places=12, max_digits=38)),
                ('idempotency_key', models.CharField(max_length=100)),
                ('entry_id', models.UUIDField(unique=True)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conversions', to='trading.portfolio')),
            ],
            options={
                'indexes': [models.Index(fields=['portfolio', '-created_at'], name='trading_conversion_newest')],
                'constraints': [models.UniqueConstraint(fields=('portfolio', 'idempotency_key'), name='trading_conversion_once'), models.CheckConstraint(condition=models.Q(('bought_amount__gt', 0), ('rate__gt', 0), ('sold_amount__gt', 0), ('spread_bps__gte', 0)), name='trading_conversion_amounts'), models.CheckConstraint(condition=models.Q(('rate__lte', models.F('reference_rate')), models.Q(('sold_currency', models.F('bought_currency')), _negated=True)), name='trading_conversion_terms')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
