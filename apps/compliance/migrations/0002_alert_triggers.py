"""Evidence and notes are append-only; a closed alert stays as two officers left it."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_evidence_append_only
  BEFORE DELETE OR TRUNCATE ON compliance_alertevidence
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_evidence_rekey_only
  BEFORE UPDATE ON compliance_alertevidence
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('facts');
CREATE TRIGGER compliance_note_append_only
  BEFORE DELETE OR TRUNCATE ON compliance_alertnote
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_note_rekey_only
  BEFORE UPDATE ON compliance_alertnote
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('text');
CREATE TRIGGER compliance_alert_kept
  BEFORE DELETE OR TRUNCATE ON compliance_alert
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_alert_closed
  BEFORE UPDATE ON compliance_alert
  FOR EACH ROW WHEN (OLD.status = 'CLOSED')
  EXECUTE FUNCTION infrastructure_rekey_only('note', 'explanation');
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON compliance_alertevidence, compliance_alertnote
      FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER compliance_alert_closed ON compliance_alert;
DROP TRIGGER compliance_alert_kept ON compliance_alert;
DROP TRIGGER compliance_note_rekey_only ON compliance_alertnote;
DROP TRIGGER compliance_note_append_only ON compliance_alertnote;
DROP TRIGGER compliance_evidence_rekey_only ON compliance_alertevidence;
DROP TRIGGER compliance_evidence_append_only ON compliance_alertevidence;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0001_initial"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
