"""Conversions between currencies, which never change."""

from django.db import migrations

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
    dependencies = [("trading", "0005_transfer_rules")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
