"""Target weights and the runs of plans never change."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER trading_target_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_targetallocation
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE ON trading_targetallocation FROM stratford_app;
    REVOKE DELETE ON trading_investmentplan, trading_planrun FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = "DROP TRIGGER trading_target_append_only ON trading_targetallocation;"


class Migration(migrations.Migration):
    dependencies = [("trading", "0008_paper_and_live_apart")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
