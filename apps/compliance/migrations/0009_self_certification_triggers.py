"""What a client signed of their tax residence stays as it was signed."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_selfcertification_append_only
  BEFORE DELETE OR TRUNCATE ON compliance_taxselfcertification
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_selfcertification_rekey_only
  BEFORE UPDATE ON compliance_taxselfcertification
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('facts');
"""
BACKWARD = """
DROP TRIGGER compliance_selfcertification_rekey_only ON compliance_taxselfcertification;
DROP TRIGGER compliance_selfcertification_append_only ON compliance_taxselfcertification;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0008_operations_alert_kinds"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
