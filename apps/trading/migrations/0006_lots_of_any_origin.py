"""Lots that no purchase brought, and what took units without a sale."""

import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models


# What is there was bought and sold; a sale's proceeds are shared out as domain.lots.spread does it.
FORWARD = """
UPDATE trading_lot AS lot SET origin = 'PURCHASE', entry_id = execution.entry_id
  FROM trading_execution AS execution WHERE execution.id = lot.execution_id;
ALTER TABLE trading_lotconsumption DISABLE TRIGGER trading_consumption_append_only;
WITH shared AS (
    SELECT part.id, execution.entry_id, execution.executed_at,
           execution.amount - execution.fees AS net, execution.quantity AS total,
           sum(part.quantity) OVER run AS seen, part.quantity
      FROM trading_lotconsumption AS part
      JOIN trading_execution AS execution ON execution.id = part.execution_id
    WINDOW run AS (PARTITION BY part.execution_id ORDER BY part.id)
)
UPDATE trading_lotconsumption AS part
   SET cause = 'SALE', entry_id = shared.entry_id, consumed_at = shared.executed_at,
       proceeds = round(shared.net * shared.seen / shared.total, 8)
                  - round(shared.net * (shared.seen - shared.quantity) / shared.total, 8)
  FROM shared WHERE shared.id = part.id;
ALTER TABLE trading_lotconsumption ENABLE TRIGGER trading_consumption_append_only;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0005_order_groups'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='execution',
            name='trading_execution_amounts',
        ),
        migrations.RemoveConstraint(
            model_name='lot',
            name='trading_lot_amounts',
        ),
        migrations.RemoveConstraint(
            model_name='lotconsumption',
            name='trading_consumption_once',
        ),
        migrations.RemoveConstraint(
            model_name='lotconsumption',
            name='trading_consumption_amounts',
        ),
        migrations.AddField(
            model_name='execution',
            name='fx_rate',
            field=models.DecimalField(decimal_places=12, default=Decimal('1'), max_digits=26),
        ),
        migrations.AddField(
            model_name='lot',
            name='carried_from',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='carried_to', to='trading.lot'),
        ),
        migrations.AddField(
            model_name='lot',
            name='entry_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='lot',
            name='fx_rate',
            field=models.DecimalField(decimal_places=12, default=Decimal('1'), max_digits=26),
        ),
        migrations.AddField(
            model_name='lot',
            name='origin',
            field=models.CharField(choices=[('PURCHASE', 'Purchase'), ('TRANSFER', 'Transfer'), ('IMPORT', 'Import'), ('CORPORATE_ACTION', 'Corporate action')], max_length=16, null=True),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='cause',
            field=models.CharField(choices=[('SALE', 'Sale'), ('TRANSFER', 'Transfer'), ('CORPORATE_ACTION', 'Corporate action')], max_length=16, null=True),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='consumed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='entry_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='fx_rate',
            field=models.DecimalField(decimal_places=12, default=Decimal('1'), max_digits=26),
        ),
        migrations.AddField(
            model_name='lotconsumption',
            name='proceeds',
            field=models.DecimalField(decimal_places=8, max_digits=26, null=True),
        ),
        migrations.AlterField(
            model_name='lot',
            name='execution',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lot', to='trading.execution'),
        ),
        migrations.AlterField(
            model_name='lotconsumption',
            name='execution',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='consumptions', to='trading.execution'),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='lot',
            name='entry_id',
            field=models.UUIDField(),
        ),
        migrations.AlterField(
            model_name='lot',
            name='origin',
            field=models.CharField(choices=[('PURCHASE', 'Purchase'), ('TRANSFER', 'Transfer'), ('IMPORT', 'Import'), ('CORPORATE_ACTION', 'Corporate action')], max_length=16),
        ),
        migrations.AlterField(
            model_name='lotconsumption',
            name='cause',
            field=models.CharField(choices=[('SALE', 'Sale'), ('TRANSFER', 'Transfer'), ('CORPORATE_ACTION', 'Corporate action')], max_length=16),
        ),
        migrations.AlterField(
            model_name='lotconsumption',
            name='consumed_at',
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name='lotconsumption',
            name='entry_id',
            field=models.UUIDField(),
        ),
        migrations.AddIndex(
            model_name='lot',
            index=models.Index(fields=['entry_id'], name='trading_lot_of_entry'),
        ),
        migrations.AddIndex(
            model_name='lotconsumption',
            index=models.Index(fields=['entry_id'], name='trading_consumption_of_entry'),
        ),
        migrations.AddConstraint(
            model_name='execution',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('fees__gte', 0), ('fx_rate__gt', 0), ('price__gt', 0), ('quantity__gt', 0)), name='trading_execution_amounts'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(('cost__gte', 0), ('fx_rate__gt', 0), ('quantity__gt', 0), ('remaining_cost__gte', 0), ('remaining_quantity__gte', 0), ('remaining_quantity__lte', models.F('quantity'))), name='trading_lot_amounts'),
        ),
        migrations.AddConstraint(
            model_name='lot',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('carried_from', None), ('execution__isnull', False), ('origin', 'PURCHASE')), models.Q(('execution', None), ('origin__in', ['TRANSFER', 'IMPORT', 'CORPORATE_ACTION'])), _connector='OR'), name='trading_lot_origin'),
        ),
        migrations.AddConstraint(
            model_name='lotconsumption',
            constraint=models.UniqueConstraint(fields=('lot', 'entry_id'), name='trading_consumption_once'),
        ),
        migrations.AddConstraint(
            model_name='lotconsumption',
            constraint=models.CheckConstraint(condition=models.Q(('cost__gte', 0), ('fx_rate__gt', 0), ('quantity__gt', 0)), name='trading_consumption_amounts'),
        ),
        migrations.AddConstraint(
            model_name='lotconsumption',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cause', 'SALE'), ('execution__isnull', False), ('proceeds__isnull', False)), models.Q(('cause', 'TRANSFER'), ('execution', None), ('proceeds', None)), models.Q(('cause', 'CORPORATE_ACTION'), ('execution', None)), _connector='OR'), name='trading_consumption_cause'),
        ),
    ]
