"""Overrides are decided as they were made; a rating is the computed one or two officers' own."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION compliance_check_override() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (OLD.record_id, OLD.rating, OLD.computed_rating, OLD.inputs_hash, OLD.evidence_version,
        OLD.reason_code, OLD.note, OLD.proposed_by_id) IS DISTINCT FROM
       (NEW.record_id, NEW.rating, NEW.computed_rating, NEW.inputs_hash, NEW.evidence_version,
        NEW.reason_code, NEW.note, NEW.proposed_by_id)
    THEN
      RAISE EXCEPTION 'an override is decided as it was made' USING ERRCODE = 'check_violation';
    END IF;
    IF (OLD.status, NEW.status) NOT IN
       (('PROPOSED', 'ACTIVE'), ('PROPOSED', 'DECLINED'), ('ACTIVE', 'ENDED'))
    THEN
      RAISE EXCEPTION 'an override is decided once' USING ERRCODE = 'check_violation';
    END IF;
  ELSIF NEW.status <> 'PROPOSED' THEN
    RAISE EXCEPTION 'an override is proposed first' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status IN ('PROPOSED', 'ACTIVE') THEN
    SELECT evidence_version, risk_inputs_hash, computed_rating, client_id INTO found
    FROM compliance_kycrecord WHERE id = NEW.record_id FOR UPDATE;
    IF (found.evidence_version, found.risk_inputs_hash, found.computed_rating) IS DISTINCT FROM
       (NEW.evidence_version, NEW.inputs_hash, NEW.computed_rating)
    THEN
      RAISE EXCEPTION 'the evidence changed' USING ERRCODE = 'check_violation';
    END IF;
    IF found.client_id IN (NEW.proposed_by_id, NEW.decided_by_id) THEN
      RAISE EXCEPTION 'nobody rates themselves' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_override_made
  BEFORE INSERT ON compliance_ratingoverride
  FOR EACH ROW EXECUTE FUNCTION compliance_check_override();
CREATE TRIGGER compliance_override_decided
  BEFORE UPDATE ON compliance_ratingoverride
  FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION compliance_check_override();
CREATE TRIGGER compliance_override_rekey_only
  BEFORE UPDATE ON compliance_ratingoverride
  FOR EACH ROW WHEN (OLD.status = NEW.status) EXECUTE FUNCTION infrastructure_rekey_only('note');
CREATE TRIGGER compliance_override_kept
  BEFORE DELETE OR TRUNCATE ON compliance_ratingoverride
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_rating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM compliance_ratingoverride
    WHERE record_id = NEW.id AND status = 'ACTIVE' AND rating = NEW.risk_rating
  ) THEN
    RAISE EXCEPTION 'two officers set another rating' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycrecord_rating
  BEFORE UPDATE ON compliance_kycrecord
  FOR EACH ROW WHEN (NEW.computed_rating <> '' AND NEW.risk_rating <> NEW.computed_rating)
  EXECUTE FUNCTION compliance_check_rating();

CREATE FUNCTION compliance_check_diligence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM compliance_duediligence diligence
    WHERE diligence.record_id = NEW.record_id AND diligence.closed_at IS NULL
      AND EXISTS (SELECT FROM compliance_duediligenceitem item
                  WHERE item.diligence_id = diligence.id)
      AND NOT EXISTS (SELECT FROM compliance_duediligenceitem item
                      WHERE item.diligence_id = diligence.id AND item.done_at IS NULL)
  ) THEN
    RAISE EXCEPTION 'enhanced due diligence is not complete' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycdecision_diligence
  BEFORE UPDATE ON compliance_kycdecision
  FOR EACH ROW WHEN (OLD.status = 'PROPOSED' AND NEW.status = 'FINAL'
                     AND NEW.outcome = 'APPROVE' AND NEW.risk_rating = 'HIGH')
  EXECUTE FUNCTION compliance_check_diligence();
CREATE TRIGGER compliance_diligenceitem_kept
  BEFORE DELETE OR TRUNCATE ON compliance_duediligenceitem
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
BACKWARD = """
DROP TRIGGER compliance_diligenceitem_kept ON compliance_duediligenceitem;
DROP TRIGGER compliance_kycdecision_diligence ON compliance_kycdecision;
DROP FUNCTION compliance_check_diligence;
DROP TRIGGER compliance_kycrecord_rating ON compliance_kycrecord;
DROP FUNCTION compliance_check_rating;
DROP TRIGGER compliance_override_kept ON compliance_ratingoverride;
DROP TRIGGER compliance_override_rekey_only ON compliance_ratingoverride;
DROP TRIGGER compliance_override_decided ON compliance_ratingoverride;
DROP TRIGGER compliance_override_made ON compliance_ratingoverride;
DROP FUNCTION compliance_check_override;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0006_kyc_decision_triggers"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
