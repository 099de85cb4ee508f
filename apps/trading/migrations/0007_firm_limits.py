"""The firm's first limits, as the settings have them; from then on PostgreSQL wants two officers."""

from decimal import Decimal

from django.conf import settings
from django.db import migrations
from django.utils import timezone


def make_limits(apps, schema_editor):
    rows = apps.get_model("trading", "TradingLimit").objects
    now = timezone.now()
    for kind, value in settings.ORDER_LIMITS["firm"].items():
        rows.create(
            scope="FIRM",
            kind=kind,
            value=Decimal(value),
            version=1,
            status="CONFIRMED",
            effective_from=now,
            decided_at=now,
            owner="RISK",
            reason="Came with the installation",
        )


FORWARD = """
SET CONSTRAINTS ALL IMMEDIATE;
CREATE FUNCTION trading_limit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  decided CONSTANT text[] :=
    ARRAY['status', 'version', 'decided_by_id', 'decided_at', 'effective_from', 'updated_at'];
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PROPOSED' THEN
      RAISE EXCEPTION 'a limit begins as a proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;
  ELSIF OLD.status <> 'PROPOSED' OR to_jsonb(NEW) - decided <> to_jsonb(OLD) - decided THEN
    RAISE EXCEPTION 'a limit is proposed and decided once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_limit_decided_once
  BEFORE INSERT OR UPDATE ON trading_tradinglimit
  FOR EACH ROW EXECUTE FUNCTION trading_limit_guard();
CREATE TRIGGER trading_limit_kept
  BEFORE DELETE OR TRUNCATE ON trading_tradinglimit
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_restriction_kept
  BEFORE DELETE OR TRUNCATE ON trading_restriction
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
CREATE TRIGGER trading_restriction_lifted_once
  BEFORE UPDATE ON trading_restriction
  FOR EACH ROW WHEN (OLD.lifted_at IS NOT NULL)
  EXECUTE FUNCTION infrastructure_rekey_only('reason');
CREATE TRIGGER trading_refusal_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_orderrefusal
  FOR EACH STATEMENT EXECUTE FUNCTION trading_refuse_change();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE, TRUNCATE ON trading_tradinglimit, trading_restriction, trading_cancelrun
      FROM stratford_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON trading_orderrefusal FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_refusal_append_only ON trading_orderrefusal;
DROP TRIGGER trading_restriction_lifted_once ON trading_restriction;
DROP TRIGGER trading_restriction_kept ON trading_restriction;
DROP TRIGGER trading_limit_kept ON trading_tradinglimit;
DROP TRIGGER trading_limit_decided_once ON trading_tradinglimit;
DROP FUNCTION trading_limit_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_conversion_rules"), ("infrastructure", "0003_keys_kept")]
    operations = [
        migrations.RunPython(make_limits, migrations.RunPython.noop),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
