"""A held payment follows newer lists; a blocked one leaves as two officers decided, once."""

from django.db import migrations

FORWARD = """
DROP TRIGGER compliance_payment_decided ON compliance_paymentscreening;
CREATE TRIGGER compliance_payment_decided
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status <> 'HELD'
                     OR NEW.status = 'HELD' AND OLD.list_versions = NEW.list_versions
                        AND OLD.matcher_version = NEW.matcher_version)
  EXECUTE FUNCTION infrastructure_rekey_only('party');

DROP TRIGGER compliance_payment_check ON compliance_paymentscreening;
CREATE OR REPLACE FUNCTION compliance_check_payment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  state text;
  said text;
BEGIN
  SELECT status, disposition INTO state, said FROM compliance_alert WHERE id = NEW.alert_id;
  IF (NEW.transfer_id, NEW.client_id, NEW.alert_id, NEW.party) IS DISTINCT FROM
     (OLD.transfer_id, OLD.client_id, OLD.alert_id, OLD.party)
     OR NEW.status IN ('RELEASED', 'BLOCKED') AND
        (NEW.list_versions, NEW.matcher_version) IS DISTINCT FROM
        (OLD.list_versions, OLD.matcher_version)
     OR NOT (CASE NEW.status
       WHEN 'HELD' THEN true
       WHEN 'DELISTED' THEN state = 'OPEN'
       WHEN 'RELEASED' THEN (state, said) = ('CLOSED', 'FALSE_POSITIVE')
       WHEN 'BLOCKED' THEN (state, said) = ('CLOSED', 'TRUE_MATCH')
       ELSE false END)
  THEN
    RAISE EXCEPTION 'a payment is decided as its alert was' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_payment_check
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status = 'HELD'
                     AND (NEW.status <> 'HELD' OR OLD.list_versions <> NEW.list_versions
                          OR OLD.matcher_version <> NEW.matcher_version))
  EXECUTE FUNCTION compliance_check_payment();

CREATE FUNCTION compliance_check_payment_exit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  payment record;
BEGIN
  SELECT status, client_id INTO payment FROM compliance_paymentscreening
  WHERE id = NEW.screening_id FOR UPDATE;
  IF payment.status <> 'BLOCKED' OR payment.client_id IN (NEW.proposed_by_id, NEW.decided_by_id)
  THEN
    RAISE EXCEPTION 'only a blocked payment of another leaves' USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a way out is proposed first' USING ERRCODE = 'check_violation';
    END IF;
  ELSIF OLD.status <> 'PROPOSED'
     OR (NEW.screening_id, NEW.action, NEW.licence, NEW.reason, NEW.proposed_by_id)
        IS DISTINCT FROM
        (OLD.screening_id, OLD.action, OLD.licence, OLD.reason, OLD.proposed_by_id)
  THEN
    RAISE EXCEPTION 'a way out is decided once, as it was made' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_paymentexit_made
  BEFORE INSERT ON compliance_paymentexit
  FOR EACH ROW EXECUTE FUNCTION compliance_check_payment_exit();
CREATE TRIGGER compliance_paymentexit_decided
  BEFORE UPDATE ON compliance_paymentexit
  FOR EACH ROW WHEN (OLD.status <> NEW.status)
  EXECUTE FUNCTION compliance_check_payment_exit();
CREATE TRIGGER compliance_paymentexit_rekey_only
  BEFORE UPDATE ON compliance_paymentexit
  FOR EACH ROW WHEN (OLD.status = NEW.status) EXECUTE FUNCTION infrastructure_rekey_only('reason');
CREATE TRIGGER compliance_paymentexit_kept
  BEFORE DELETE OR TRUNCATE ON compliance_paymentexit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = """
DROP TRIGGER compliance_payment_check ON compliance_paymentscreening;
CREATE TRIGGER compliance_payment_check
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status = 'HELD' AND NEW.status <> 'HELD')
  EXECUTE FUNCTION compliance_check_payment();
DROP TRIGGER compliance_payment_decided ON compliance_paymentscreening;
CREATE TRIGGER compliance_payment_decided
  BEFORE UPDATE ON compliance_paymentscreening
  FOR EACH ROW WHEN (OLD.status <> 'HELD' OR NEW.status = 'HELD')
  EXECUTE FUNCTION infrastructure_rekey_only('party');
DROP TRIGGER compliance_paymentexit_kept ON compliance_paymentexit;
DROP TRIGGER compliance_paymentexit_rekey_only ON compliance_paymentexit;
DROP TRIGGER compliance_paymentexit_decided ON compliance_paymentexit;
DROP TRIGGER compliance_paymentexit_made ON compliance_paymentexit;
DROP FUNCTION compliance_check_payment_exit;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0011_payment_exits"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
