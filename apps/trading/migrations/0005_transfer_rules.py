"""Transfers between portfolios never change."""

from django.db import migrations

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
    dependencies = [("trading", "0004_corporate_action_rules")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
