"""What was compared of a payment is kept; it is decided once, and as its alert was."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_paymentresult_append_only
  BEFORE DELETE OR TRUNCATE ON compliance_paymentresult
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_paymentresult_rekey_only
  BEFORE UPDATE ON compliance_paymentresult
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('features');
CREATE TRIGGER compliance_payment_kept
  BEFORE DELETE OR TRUNCATE ON compliance_paymentscreening
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_payment_decided
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status <> 'HELD' OR NEW.status = 'HELD')
  EXECUTE FUNCTION infrastructure_rekey_only('party');

CREATE FUNCTION compliance_check_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  said text;
BEGIN
  SELECT disposition INTO said FROM compliance_alert
  WHERE id = NEW.alert_id AND status = 'CLOSED';
  IF (NEW.transfer_id, NEW.client_id, NEW.party, NEW.alert_id, NEW.list_versions,
      NEW.matcher_version) IS DISTINCT FROM
     (OLD.transfer_id, OLD.client_id, OLD.party, OLD.alert_id, OLD.list_versions,
      OLD.matcher_version)
     OR (said, NEW.status) IS DISTINCT FROM ('FALSE_POSITIVE', 'RELEASED')
     AND (said, NEW.status) IS DISTINCT FROM ('TRUE_MATCH', 'BLOCKED')
  THEN
    RAISE EXCEPTION 'a payment is decided as its alert was' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_payment_check
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status = 'HELD' AND NEW.status <> 'HELD')
  EXECUTE FUNCTION compliance_check_payment();
"""
BACKWARD = """
DROP TRIGGER compliance_payment_check ON compliance_paymentscreening;
DROP FUNCTION compliance_check_payment;
DROP TRIGGER compliance_payment_decided ON compliance_paymentscreening;
DROP TRIGGER compliance_payment_kept ON compliance_paymentscreening;
DROP TRIGGER compliance_paymentresult_rekey_only ON compliance_paymentresult;
DROP TRIGGER compliance_paymentresult_append_only ON compliance_paymentresult;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0004_screening_triggers"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
