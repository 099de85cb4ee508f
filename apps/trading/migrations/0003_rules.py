"""What never changes in trading, held by PostgreSQL whoever writes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION trading_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER trading_execution_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_execution
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_consumption_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_lotconsumption
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE ON trading_execution, trading_lotconsumption FROM stratford_app;
    REVOKE DELETE ON trading_portfolio, trading_order, trading_lot, trading_cashtransfer,
      trading_firmswitch, trading_replacement FROM stratford_app;
    -- Whose it is, its currency and its mode are fixed for life.
    REVOKE UPDATE ON trading_portfolio FROM stratford_app;
    GRANT UPDATE (name, lot_method, closed_at, updated_at) ON trading_portfolio TO stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_consumption_append_only ON trading_lotconsumption;
DROP TRIGGER trading_execution_append_only ON trading_execution;
DROP FUNCTION trading_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_firm_switch_row")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
