"""Results and decisions are append-only; nobody decides twice, on stale evidence or other terms."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER compliance_result_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_screeningresult
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_hitdecision_append_only
  BEFORE DELETE OR TRUNCATE ON compliance_hitdecision
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_hitdecision_rekey_only
  BEFORE UPDATE ON compliance_hitdecision
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('narrative');
CREATE TRIGGER compliance_hit_kept
  BEFORE DELETE OR TRUNCATE ON compliance_screeninghit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_hit_decided
  BEFORE UPDATE ON compliance_screeninghit
  FOR EACH ROW WHEN (OLD.status IN ('TRUE_MATCH', 'FALSE_POSITIVE', 'SUPERSEDED'))
  EXECUTE FUNCTION infrastructure_rekey_only('client_name', 'features', 'reason', 'subject');

CREATE FUNCTION compliance_check_hit_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
BEGIN
  SELECT hit.status, record.evidence_version, record.client_id INTO found
  FROM compliance_screeninghit hit JOIN compliance_kycrecord record ON record.id = hit.record_id
  WHERE hit.id = NEW.hit_id FOR UPDATE OF hit;
  IF found.status NOT IN ('OPEN', 'INCONCLUSIVE') THEN
    RAISE EXCEPTION 'this hit is decided' USING ERRCODE = 'check_violation';
  END IF;
  IF found.evidence_version <> NEW.evidence_version THEN
    RAISE EXCEPTION 'the evidence changed' USING ERRCODE = 'check_violation';
  END IF;
  IF found.client_id = NEW.decided_by_id THEN
    RAISE EXCEPTION 'nobody decides on their own hit' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_hitdecision_check
  BEFORE INSERT ON compliance_hitdecision
  FOR EACH ROW EXECUTE FUNCTION compliance_check_hit_decision();

CREATE FUNCTION compliance_check_threshold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newest int;
BEGIN
  IF (OLD.list_code, OLD.risk_class, OLD.version, OLD.base_version, OLD.threshold, OLD.reason,
      OLD.proposed_by_id, OLD.replay) IS DISTINCT FROM
     (NEW.list_code, NEW.risk_class, NEW.version, NEW.base_version, NEW.threshold, NEW.reason,
      NEW.proposed_by_id, NEW.replay)
  THEN
    RAISE EXCEPTION 'a proposal is decided as it was made' USING ERRCODE = 'check_violation';
  END IF;
  IF (OLD.status, NEW.status) NOT IN
     (('PROPOSED', 'ACTIVE'), ('PROPOSED', 'DECLINED'), ('ACTIVE', 'RETIRED'))
  THEN
    RAISE EXCEPTION 'a threshold is decided once' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.status = 'ACTIVE' AND (OLD.decided_by_id, OLD.decided_at)
     IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_at)
  THEN
    RAISE EXCEPTION 'who activated a threshold stays' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'ACTIVE' THEN
    SELECT coalesce(max(version), 0) INTO newest FROM compliance_screeningthreshold
    WHERE list_code = NEW.list_code AND risk_class = NEW.risk_class
      AND status IN ('ACTIVE', 'RETIRED');
    IF newest <> NEW.base_version THEN
      RAISE EXCEPTION 'another version came into force' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_threshold_check
  BEFORE UPDATE ON compliance_screeningthreshold
  FOR EACH ROW EXECUTE FUNCTION compliance_check_threshold();
CREATE TRIGGER compliance_threshold_kept
  BEFORE DELETE OR TRUNCATE ON compliance_screeningthreshold
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON compliance_screeningresult, compliance_hitdecision
      FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER compliance_threshold_kept ON compliance_screeningthreshold;
DROP TRIGGER compliance_threshold_check ON compliance_screeningthreshold;
DROP FUNCTION compliance_check_threshold;
DROP TRIGGER compliance_hitdecision_check ON compliance_hitdecision;
DROP FUNCTION compliance_check_hit_decision;
DROP TRIGGER compliance_hit_decided ON compliance_screeninghit;
DROP TRIGGER compliance_hit_kept ON compliance_screeninghit;
DROP TRIGGER compliance_hitdecision_rekey_only ON compliance_hitdecision;
DROP TRIGGER compliance_hitdecision_append_only ON compliance_hitdecision;
DROP TRIGGER compliance_result_append_only ON compliance_screeningresult;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0003_scenarios"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
