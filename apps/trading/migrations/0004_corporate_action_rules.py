"""The terms of a corporate action never change."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION trading_keep_action_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF ROW(OLD.kind, OLD.symbol, OLD.currency, OLD.ex_date, OLD.record_date, OLD.pay_date,
         OLD.ratio_new, OLD.ratio_old, OLD.cash_in_lieu, OLD.amount, OLD.withholding_rate,
         OLD.new_symbol, OLD.source, OLD.proposed_by_id)
     IS DISTINCT FROM
     ROW(NEW.kind, NEW.symbol, NEW.currency, NEW.ex_date, NEW.record_date, NEW.pay_date,
         NEW.ratio_new, NEW.ratio_old, NEW.cash_in_lieu, NEW.amount, NEW.withholding_rate,
         NEW.new_symbol, NEW.source, NEW.proposed_by_id)
  THEN
    RAISE EXCEPTION 'the terms of a corporate action do not change'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER trading_action_terms BEFORE UPDATE ON trading_corporateaction
  FOR EACH ROW EXECUTE FUNCTION trading_keep_action_terms();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE DELETE ON trading_corporateaction, trading_entitlement FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER trading_action_terms ON trading_corporateaction;
DROP FUNCTION trading_keep_action_terms();
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0003_rules")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
