"""What lists said, what was compared and who changed the own list is kept as it was decided."""

from django.db import migrations, models

FORWARD = """
CREATE TRIGGER compliance_watchlistentity_ended_once
  BEFORE UPDATE ON compliance_watchlistentity
  FOR EACH ROW WHEN (OLD.removed_in_id IS NOT NULL
    OR to_jsonb(NEW) - 'removed_in_id' IS DISTINCT FROM to_jsonb(OLD) - 'removed_in_id')
  EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_watchlistentity_kept
  BEFORE DELETE OR TRUNCATE ON compliance_watchlistentity
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_watchlistname_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_watchlistname
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_watchlistimport_override_once
  BEFORE UPDATE ON compliance_watchlistimport
  FOR EACH ROW WHEN (OLD.override_proposed_by_id IS NOT NULL
    AND (OLD.override_confirmed_by_id IS NOT NULL
      OR to_jsonb(NEW) - '{override_confirmed_by_id,updated_at}'::text[]
        IS DISTINCT FROM to_jsonb(OLD) - '{override_confirmed_by_id,updated_at}'::text[]))
  EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_watchlistimport_kept
  BEFORE DELETE OR TRUNCATE ON compliance_watchlistimport
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_own_list() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  decided CONSTANT text[] := ARRAY['status', 'decided_by_id', 'decided_at', 'updated_at'];
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a change begins as a proposal' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.status <> 'PROPOSED' OR to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided
  THEN
    RAISE EXCEPTION 'a change is decided once, as it was proposed'
      USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.status = 'DONE' AND NEW.base_version <> (
    SELECT coalesce(max(version), 0) FROM compliance_watchlistversion WHERE list_code = 'OWN')
  THEN
    RAISE EXCEPTION 'the list has changed since' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_ownlistchange_check
  BEFORE INSERT OR UPDATE ON compliance_ownlistchange
  FOR EACH ROW EXECUTE FUNCTION compliance_check_own_list();
CREATE TRIGGER compliance_ownlistchange_kept
  BEFORE DELETE OR TRUNCATE ON compliance_ownlistchange
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE TRIGGER compliance_screeningrun_as_it_was
  BEFORE UPDATE ON compliance_screeningrun
  FOR EACH ROW WHEN (to_jsonb(NEW) - '{new_hit_count,updated_at}'::text[]
    IS DISTINCT FROM to_jsonb(OLD) - '{new_hit_count,updated_at}'::text[])
  EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_screeningrun_kept
  BEFORE DELETE OR TRUNCATE ON compliance_screeningrun
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_hit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM compliance_hitdecision WHERE hit_id = NEW.id
      AND disposition = NEW.status AND decided_by_id = NEW.disposed_by_id)
  THEN
    RAISE EXCEPTION 'a hit becomes what an officer decided' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_hit_by_decision
  BEFORE UPDATE ON compliance_screeninghit
  FOR EACH ROW WHEN (OLD.status <> NEW.status
    AND NEW.status IN ('TRUE_MATCH', 'FALSE_POSITIVE', 'INCONCLUSIVE'))
  EXECUTE FUNCTION compliance_check_hit();

CREATE TRIGGER compliance_screeningsearch_ended
  BEFORE UPDATE ON compliance_screeningsearch
  FOR EACH ROW WHEN (OLD.status <> 'RUNNING')
  EXECUTE FUNCTION infrastructure_rekey_only('purpose');
CREATE TRIGGER compliance_screeningsearch_kept
  BEFORE DELETE OR TRUNCATE ON compliance_screeningsearch
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_screeningsearchrow_compared_once
  BEFORE UPDATE ON compliance_screeningsearchrow
  FOR EACH ROW WHEN (OLD.is_done)
  EXECUTE FUNCTION infrastructure_rekey_only('asked', 'results');
CREATE TRIGGER compliance_screeningsearchrow_kept
  BEFORE DELETE OR TRUNCATE ON compliance_screeningsearchrow
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON compliance_watchlistname FROM stratford_app;
    REVOKE DELETE, TRUNCATE ON compliance_watchlistentity, compliance_watchlistimport,
      compliance_ownlistchange, compliance_screeningrun, compliance_screeningsearch,
      compliance_screeningsearchrow FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER compliance_screeningsearchrow_kept ON compliance_screeningsearchrow;
DROP TRIGGER compliance_screeningsearchrow_compared_once ON compliance_screeningsearchrow;
DROP TRIGGER compliance_screeningsearch_kept ON compliance_screeningsearch;
DROP TRIGGER compliance_screeningsearch_ended ON compliance_screeningsearch;
DROP TRIGGER compliance_hit_by_decision ON compliance_screeninghit;
DROP FUNCTION compliance_check_hit;
DROP TRIGGER compliance_screeningrun_kept ON compliance_screeningrun;
DROP TRIGGER compliance_screeningrun_as_it_was ON compliance_screeningrun;
DROP TRIGGER compliance_ownlistchange_kept ON compliance_ownlistchange;
DROP TRIGGER compliance_ownlistchange_check ON compliance_ownlistchange;
DROP FUNCTION compliance_check_own_list;
DROP TRIGGER compliance_watchlistimport_kept ON compliance_watchlistimport;
DROP TRIGGER compliance_watchlistimport_override_once ON compliance_watchlistimport;
DROP TRIGGER compliance_watchlistname_append_only ON compliance_watchlistname;
DROP TRIGGER compliance_watchlistentity_kept ON compliance_watchlistentity;
DROP TRIGGER compliance_watchlistentity_ended_once ON compliance_watchlistentity;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0013_work_escalations"),
        ("audit", "0002_append_only"),
        ("infrastructure", "0003_keys_kept"),
    ]
    operations = [
        migrations.AddField("watchlistversion", "issued_on", models.DateField(null=True)),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
