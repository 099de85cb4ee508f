"""Evidence and notes are append-only; a closed alert stays as two officers left it."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_evidence_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_alertevidence
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_note_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_alertnote
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_alert_kept
  BEFORE DELETE OR TRUNCATE ON compliance_alert
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_alert_closed
  BEFORE UPDATE ON compliance_alert
  FOR EACH ROW WHEN (OLD.status = 'CLOSED') EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = """
DROP TRIGGER compliance_alert_closed ON compliance_alert;
DROP TRIGGER compliance_alert_kept ON compliance_alert;
DROP TRIGGER compliance_note_append_only ON compliance_alertnote;
DROP TRIGGER compliance_evidence_append_only ON compliance_alertevidence;
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0002_alerts"), ("audit", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
