"""Checkpoints refuse change as the events do."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER audit_checkpoint_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON audit_checkpoint FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = "DROP TRIGGER audit_checkpoint_append_only ON audit_checkpoint;"


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
