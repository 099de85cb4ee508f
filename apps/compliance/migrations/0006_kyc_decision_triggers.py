"""A KYC decision is made on what the record is now, as it was proposed, once, and then stays."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION compliance_check_kyc_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
BEGIN
  -- A decision that is closed is none of this trigger's: the next one lets nothing of it change.
  IF TG_OP = 'UPDATE' AND OLD.status <> 'PROPOSED' THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' AND (OLD.record_id, OLD.outcome, OLD.reason_code, OLD.evidence_version,
      OLD.risk_rating, OLD.from_status, OLD.proposed_by_id) IS DISTINCT FROM
     (NEW.record_id, NEW.outcome, NEW.reason_code, NEW.evidence_version,
      NEW.risk_rating, NEW.from_status, NEW.proposed_by_id)
  THEN
    RAISE EXCEPTION 'a decision is carried out as it was proposed' USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'INSERT' AND NEW.status <> 'PROPOSED' THEN
    RAISE EXCEPTION 'a decision is proposed first' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'WITHDRAWN' OR (TG_OP = 'UPDATE' AND NEW.status = 'PROPOSED') THEN
    RETURN NEW;
  END IF;
  SELECT status, evidence_version, risk_rating, client_id INTO found
  FROM compliance_kycrecord WHERE id = NEW.record_id FOR UPDATE;
  IF (found.status, found.evidence_version, found.risk_rating) IS DISTINCT FROM
     (NEW.from_status, NEW.evidence_version, NEW.risk_rating)
  THEN
    RAISE EXCEPTION 'the evidence changed' USING ERRCODE = 'check_violation';
  END IF;
  IF found.client_id IN (NEW.proposed_by_id, NEW.confirmed_by_id) THEN
    RAISE EXCEPTION 'nobody decides their own record' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycdecision_check
  BEFORE INSERT OR UPDATE ON compliance_kycdecision
  FOR EACH ROW EXECUTE FUNCTION compliance_check_kyc_decision();
CREATE TRIGGER compliance_kycdecision_closed
  BEFORE UPDATE ON compliance_kycdecision
  FOR EACH ROW WHEN (OLD.status <> 'PROPOSED')
  EXECUTE FUNCTION infrastructure_rekey_only('note', 'snapshot');
CREATE TRIGGER compliance_kycdecision_kept
  BEFORE DELETE OR TRUNCATE ON compliance_kycdecision
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = """
DROP TRIGGER compliance_kycdecision_kept ON compliance_kycdecision;
DROP TRIGGER compliance_kycdecision_closed ON compliance_kycdecision;
DROP TRIGGER compliance_kycdecision_check ON compliance_kycdecision;
DROP FUNCTION compliance_check_kyc_decision;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0005_payment_triggers"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
