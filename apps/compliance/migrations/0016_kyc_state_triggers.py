"""A KYC record moves by its table only, and by a decision where officers decide."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION compliance_check_kyc_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  asked text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- Only who owns the table may bring records over from elsewhere.
    IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
      RAISE EXCEPTION 'a KYC record begins as a draft' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  -- Screening goes through SCREENING within one statement.
  IF (OLD.status, NEW.status) NOT IN (
    ('DRAFT', 'SUBMITTED'), ('DRAFT', 'CLOSED'),
    ('SUBMITTED', 'SCREENING'), ('SUBMITTED', 'IN_REVIEW'), ('SCREENING', 'IN_REVIEW'),
    ('IN_REVIEW', 'APPROVED'), ('IN_REVIEW', 'REJECTED'), ('IN_REVIEW', 'NEEDS_INFORMATION'),
    ('NEEDS_INFORMATION', 'SUBMITTED'), ('NEEDS_INFORMATION', 'REJECTED'),
    ('NEEDS_INFORMATION', 'CLOSED'),
    ('APPROVED', 'UNDER_REVIEW'), ('APPROVED', 'SUSPENDED'), ('APPROVED', 'EXPIRED'),
    ('APPROVED', 'CLOSED'),
    ('UNDER_REVIEW', 'APPROVED'), ('UNDER_REVIEW', 'REJECTED'),
    ('UNDER_REVIEW', 'NEEDS_INFORMATION'), ('UNDER_REVIEW', 'SUSPENDED'),
    ('UNDER_REVIEW', 'EXPIRED'), ('UNDER_REVIEW', 'CLOSED'),
    ('SUSPENDED', 'UNDER_REVIEW'), ('SUSPENDED', 'REJECTED'), ('SUSPENDED', 'CLOSED'),
    ('EXPIRED', 'SUBMITTED'), ('EXPIRED', 'CLOSED'),
    ('REJECTED', 'CLOSED')
  ) THEN
    RAISE EXCEPTION 'a KYC record does not go from % to %', OLD.status, NEW.status
      USING ERRCODE = 'check_violation';
  END IF;
  asked := CASE
    WHEN NEW.status = 'APPROVED' THEN 'APPROVE'
    WHEN NEW.status = 'REJECTED' THEN 'REJECT'
    WHEN NEW.status = 'NEEDS_INFORMATION' THEN 'REQUEST_INFORMATION'
    WHEN NEW.status = 'CLOSED' THEN 'CLOSE'
    WHEN OLD.status = 'SUSPENDED' THEN 'REVIEW'
  END;
  -- An approval counts once: the record names it by its time.
  IF asked IS NOT NULL AND NOT EXISTS (
    SELECT FROM compliance_kycdecision
    WHERE record_id = NEW.id AND status = 'FINAL' AND outcome = asked
      AND from_status = OLD.status AND evidence_version = OLD.evidence_version
      AND (asked <> 'APPROVE' OR (decided_at = NEW.approved_at
                                  AND NEW.approved_at IS DISTINCT FROM OLD.approved_at))
  ) THEN
    RAISE EXCEPTION 'nobody decided that' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycrecord_begun
  BEFORE INSERT ON compliance_kycrecord
  FOR EACH ROW WHEN (NEW.status <> 'DRAFT') EXECUTE FUNCTION compliance_check_kyc_state();
CREATE TRIGGER compliance_kycrecord_moved
  BEFORE UPDATE ON compliance_kycrecord
  FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION compliance_check_kyc_state();

-- What was proposed stands as it was proposed; its note, which is encrypted, is not written again.
CREATE TRIGGER compliance_kycdecision_proposed
  BEFORE UPDATE ON compliance_kycdecision
  FOR EACH ROW WHEN (OLD.status = 'PROPOSED' AND NEW.status = 'PROPOSED')
  EXECUTE FUNCTION infrastructure_rekey_only('note');
CREATE FUNCTION compliance_refuse_other_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a decision is carried out as it was proposed' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER compliance_kycdecision_note
  BEFORE UPDATE ON compliance_kycdecision
  FOR EACH ROW WHEN (OLD.status <> NEW.status AND OLD.note IS DISTINCT FROM NEW.note)
  EXECUTE FUNCTION compliance_refuse_other_note();
"""
BACKWARD = """
DROP TRIGGER compliance_kycdecision_note ON compliance_kycdecision;
DROP FUNCTION compliance_refuse_other_note;
DROP TRIGGER compliance_kycdecision_proposed ON compliance_kycdecision;
DROP TRIGGER compliance_kycrecord_moved ON compliance_kycrecord;
DROP TRIGGER compliance_kycrecord_begun ON compliance_kycrecord;
DROP FUNCTION compliance_check_kyc_state;
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0015_escalation_answers")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
