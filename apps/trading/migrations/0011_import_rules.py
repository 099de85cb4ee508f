"""Imports of lots are decided once; their rows never change."""

from django.db import migrations

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
    dependencies = [("trading", "0010_charge_rules")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
