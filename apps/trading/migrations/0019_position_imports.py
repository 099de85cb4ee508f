"""Lots from other brokers: imports, and the rows that they are made of."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION trading_import_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  decided CONSTANT text[] := ARRAY['status', 'entry_id', 'value', 'reason', 'decided_by_id',
                                   'decided_at', 'updated_at'];
BEGIN
  IF OLD.status <> 'REQUESTED' OR to_jsonb(NEW) - decided <> to_jsonb(OLD) - decided THEN
    RAISE EXCEPTION 'an import is decided once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_import_decided_once
  BEFORE UPDATE ON trading_positionimport FOR EACH ROW EXECUTE FUNCTION trading_import_guard();
CREATE TRIGGER trading_import_kept
  BEFORE DELETE OR TRUNCATE ON trading_positionimport
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_imported_lot_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_importedlot
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE, TRUNCATE ON trading_positionimport FROM stratford_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON trading_importedlot FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_imported_lot_append_only ON trading_importedlot;
DROP TRIGGER trading_import_kept ON trading_positionimport;
DROP TRIGGER trading_import_decided_once ON trading_positionimport;
DROP FUNCTION trading_import_guard();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0018_charges'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PositionImport',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('status', models.CharField(choices=[('REQUESTED', 'Awaiting operations'), ('APPLIED', 'In the portfolio'), ('DECLINED', 'Declined')], default='REQUESTED', max_length=9)),
                ('idempotency_key', models.CharField(max_length=100)),
                ('file_digest', models.CharField(max_length=64)),
                ('terms_digest', models.CharField(max_length=64)),
                ('lots_count', models.PositiveSmallIntegerField(verbose_name='lots')),
                ('entry_id', models.UUIDField(null=True)),
                ('value', models.DecimalField(decimal_places=8, max_digits=26, null=True)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='imports', to='trading.portfolio')),
            ],
            options={
                'permissions': (('decide_positionimport', 'Can confirm or decline lots that arrive'),),
            },
        ),
        migrations.CreateModel(
            name='ImportedLot',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('line', models.PositiveIntegerField()),
                ('symbol', models.CharField(max_length=20)),
                ('quantity', models.DecimalField(decimal_places=8, max_digits=26)),
                ('cost', models.DecimalField(decimal_places=8, max_digits=26)),
                ('currency', models.CharField(max_length=3)),
                ('acquired_on', models.DateField()),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='trading.positionimport')),
            ],
        ),
        migrations.AddConstraint(
            model_name='positionimport',
            constraint=models.UniqueConstraint(fields=('portfolio', 'idempotency_key'), name='trading_import_once'),
        ),
        migrations.AddConstraint(
            model_name='positionimport',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'DECLINED'), _negated=True), fields=('portfolio', 'file_digest'), name='trading_import_file_once'),
        ),
        migrations.AddConstraint(
            model_name='positionimport',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('entry_id', None), ('status', 'REQUESTED')), models.Q(('decided_at__isnull', False), ('entry_id__isnull', False), ('status', 'APPLIED')), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('entry_id', None), ('status', 'DECLINED')), _connector='OR'), name='trading_import_status'),
        ),
        migrations.AddConstraint(
            model_name='importedlot',
            constraint=models.UniqueConstraint(fields=('batch', 'line'), name='trading_imported_lot_once'),
        ),
        migrations.AddConstraint(
            model_name='importedlot',
            constraint=models.CheckConstraint(condition=models.Q(('cost__gte', 0), ('quantity__gt', 0)), name='trading_imported_lot_amounts'),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
