"""The rules of double entry, held by PostgreSQL whoever writes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_entry_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_posting_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

CREATE FUNCTION ledger_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  checked uuid := CASE TG_TABLE_NAME WHEN 'ledger_entry' THEN to_jsonb(NEW)->>'id'
                                     ELSE to_jsonb(NEW)->>'entry_id' END;
  unbalanced text;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_posting WHERE entry_id = checked) THEN
    RAISE EXCEPTION 'entry % has no postings', checked USING ERRCODE = 'check_violation';
  END IF;
  SELECT asset INTO unbalanced FROM ledger_posting
   WHERE entry_id = checked GROUP BY asset HAVING sum(amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'postings of entry % in % do not sum to zero', checked, unbalanced
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_balanced AFTER INSERT ON ledger_entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_entry();
CREATE CONSTRAINT TRIGGER ledger_posting_balanced AFTER INSERT ON ledger_posting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_entry();

ALTER TABLE ledger_posting ADD CONSTRAINT ledger_posting_asset_of_account
  FOREIGN KEY (account_id, asset) REFERENCES ledger_account (id, asset);

DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON ledger_entry, ledger_posting FROM stratford_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON ledger_account FROM stratford_app;
    GRANT UPDATE (balance) ON ledger_account TO stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_asset_of_account;
DROP TRIGGER ledger_posting_balanced ON ledger_posting;
DROP TRIGGER ledger_entry_balanced ON ledger_entry;
DROP FUNCTION ledger_check_entry();
DROP TRIGGER ledger_posting_append_only ON ledger_posting;
DROP TRIGGER ledger_entry_append_only ON ledger_entry;
DROP FUNCTION ledger_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
