"""A true match is taken back by two officers, as it was proposed and on the evidence of then."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION compliance_check_match_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
  decided CONSTANT text[] := ARRAY['status', 'decided_by_id', 'decided_at', 'updated_at'];
BEGIN
  SELECT hit.status, record.evidence_version, record.client_id INTO found
  FROM compliance_screeninghit hit JOIN compliance_kycrecord record ON record.id = hit.record_id
  WHERE hit.id = NEW.hit_id FOR UPDATE OF hit;
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a withdrawal is proposed first' USING ERRCODE = 'check_violation';
    END IF;
  ELSIF OLD.status <> 'PROPOSED' OR to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided
  THEN
    RAISE EXCEPTION 'a withdrawal is decided once, as it was made'
      USING ERRCODE = 'check_violation';
  END IF;
  IF found.status <> 'TRUE_MATCH' THEN
    RAISE EXCEPTION 'this is no true match' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status <> 'DECLINED' AND found.evidence_version <> NEW.evidence_version THEN
    RAISE EXCEPTION 'the evidence changed' USING ERRCODE = 'check_violation';
  END IF;
  IF found.client_id IN (NEW.proposed_by_id, NEW.decided_by_id) THEN
    RAISE EXCEPTION 'nobody decides on their own hit' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_matchwithdrawal_made
  BEFORE INSERT ON compliance_matchwithdrawal
  FOR EACH ROW EXECUTE FUNCTION compliance_check_match_withdrawal();
CREATE TRIGGER compliance_matchwithdrawal_decided
  BEFORE UPDATE ON compliance_matchwithdrawal
  FOR EACH ROW WHEN (OLD.status <> NEW.status)
  EXECUTE FUNCTION compliance_check_match_withdrawal();
CREATE TRIGGER compliance_matchwithdrawal_rekey_only
  BEFORE UPDATE ON compliance_matchwithdrawal
  FOR EACH ROW WHEN (OLD.status = NEW.status) EXECUTE FUNCTION infrastructure_rekey_only('reason');
CREATE TRIGGER compliance_matchwithdrawal_kept
  BEFORE DELETE OR TRUNCATE ON compliance_matchwithdrawal
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_match_taken_back() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moved CONSTANT text[] := ARRAY['status', 'updated_at'];
BEGIN
  IF to_jsonb(NEW) - moved IS DISTINCT FROM to_jsonb(OLD) - moved OR NOT EXISTS (
    SELECT FROM compliance_matchwithdrawal WHERE hit_id = NEW.id AND status = 'DONE')
  THEN
    RAISE EXCEPTION 'two officers take a true match back' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER compliance_hit_decided ON compliance_screeninghit;
CREATE TRIGGER compliance_hit_decided
  BEFORE UPDATE ON compliance_screeninghit
  FOR EACH ROW WHEN (OLD.status IN ('FALSE_POSITIVE', 'SUPERSEDED')
                     OR OLD.status = 'TRUE_MATCH' AND NEW.status <> 'SUPERSEDED')
  EXECUTE FUNCTION infrastructure_rekey_only('client_name', 'features', 'reason', 'subject');
CREATE TRIGGER compliance_hit_taken_back
  BEFORE UPDATE ON compliance_screeninghit
  FOR EACH ROW WHEN (OLD.status = 'TRUE_MATCH' AND NEW.status = 'SUPERSEDED')
  EXECUTE FUNCTION compliance_check_match_taken_back();
"""
BACKWARD = """
DROP TRIGGER compliance_hit_taken_back ON compliance_screeninghit;
DROP TRIGGER compliance_hit_decided ON compliance_screeninghit;
CREATE TRIGGER compliance_hit_decided
  BEFORE UPDATE ON compliance_screeninghit
  FOR EACH ROW WHEN (OLD.status IN ('TRUE_MATCH', 'FALSE_POSITIVE', 'SUPERSEDED'))
  EXECUTE FUNCTION infrastructure_rekey_only('client_name', 'features', 'reason', 'subject');
DROP FUNCTION compliance_check_match_taken_back;
DROP TRIGGER compliance_matchwithdrawal_kept ON compliance_matchwithdrawal;
DROP TRIGGER compliance_matchwithdrawal_rekey_only ON compliance_matchwithdrawal;
DROP TRIGGER compliance_matchwithdrawal_decided ON compliance_matchwithdrawal;
DROP TRIGGER compliance_matchwithdrawal_made ON compliance_matchwithdrawal;
DROP FUNCTION compliance_check_match_withdrawal;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0019_match_withdrawals"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
