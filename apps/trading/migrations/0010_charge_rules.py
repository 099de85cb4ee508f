"""Rates of charges are decided by two; what a day added never changes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION trading_charge_rate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  decided CONSTANT text[] :=
    ARRAY['status', 'version', 'decided_by_id', 'decided_at', 'effective_on', 'updated_at'];
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a rate begins as a proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;
  ELSIF OLD.status <> 'PROPOSED' OR to_jsonb(NEW) - decided <> to_jsonb(OLD) - decided THEN
    RAISE EXCEPTION 'a rate is proposed and decided once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_charge_rate_decided_once
  BEFORE INSERT OR UPDATE ON trading_chargerate
  FOR EACH ROW EXECUTE FUNCTION trading_charge_rate_guard();
CREATE FUNCTION trading_charge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  booked CONSTANT text[] := ARRAY['status', 'entry_id', 'booked_at', 'updated_at'];
BEGIN
  IF OLD.status <> 'DUE' OR to_jsonb(NEW) - booked <> to_jsonb(OLD) - booked THEN
    RAISE EXCEPTION 'a charge is booked once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_charge_booked_once
  BEFORE UPDATE ON trading_charge FOR EACH ROW EXECUTE FUNCTION trading_charge_guard();
CREATE TRIGGER trading_charge_rate_kept
  BEFORE DELETE OR TRUNCATE ON trading_chargerate
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_charge_kept
  BEFORE DELETE OR TRUNCATE ON trading_charge
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_accrual_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_chargeaccrual
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE, TRUNCATE ON trading_chargerate, trading_charge, trading_accrualday
      FROM stratford_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON trading_chargeaccrual FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_accrual_append_only ON trading_chargeaccrual;
DROP TRIGGER trading_charge_kept ON trading_charge;
DROP TRIGGER trading_charge_rate_kept ON trading_chargerate;
DROP TRIGGER trading_charge_booked_once ON trading_charge;
DROP FUNCTION trading_charge_guard();
DROP TRIGGER trading_charge_rate_decided_once ON trading_chargerate;
DROP FUNCTION trading_charge_rate_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0009_target_rules")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
