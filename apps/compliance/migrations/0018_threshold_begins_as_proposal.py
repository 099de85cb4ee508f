"""No threshold comes into force but through a proposal."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_threshold_proposed
  BEFORE INSERT ON compliance_screeningthreshold
  FOR EACH ROW WHEN (NEW.status <> 'PROPOSED') EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = "DROP TRIGGER compliance_threshold_proposed ON compliance_screeningthreshold;"


class Migration(migrations.Migration):
    dependencies = [("compliance", "0017_kyc_evidence_triggers")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
