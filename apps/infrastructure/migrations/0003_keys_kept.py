"""A data key is never deleted; an append-only table may be encrypted again by its owner only."""

from django.db import migrations

# The key id is the eight bytes after the version: a value may only move to a newer key of its class.
FORWARD = """
CREATE FUNCTION infrastructure_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% rows are kept', TG_TABLE_NAME;
END $$;
CREATE TRIGGER infrastructure_datakey_kept
  BEFORE DELETE OR TRUNCATE ON infrastructure_datakey
  FOR EACH STATEMENT EXECUTE FUNCTION infrastructure_refuse_change();

CREATE FUNCTION infrastructure_owner_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
    RAISE EXCEPTION 'only the owner of % makes a newer key', TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
-- A newer key is what lets an append-only row change: the application makes first keys only.
CREATE TRIGGER infrastructure_datakey_newer
  BEFORE INSERT ON infrastructure_datakey
  FOR EACH ROW WHEN (NEW.version > 1) EXECUTE FUNCTION infrastructure_owner_only();
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON infrastructure_datakey FROM stratford_app;
  END IF;
END $$;

CREATE FUNCTION infrastructure_rekey_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  before jsonb := to_jsonb(OLD);
  after jsonb := to_jsonb(NEW);
  name text;
BEGIN
  IF current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
  END IF;
  FOREACH name IN ARRAY TG_ARGV LOOP
    -- jsonb shows a bytea as \\x, two digits of version, sixteen of key id.
    IF before->>name IS DISTINCT FROM after->>name AND (
      length(before->>name) IS DISTINCT FROM length(after->>name)
      OR NOT EXISTS (
        SELECT FROM infrastructure_datakey was JOIN infrastructure_datakey now USING (data_class)
        WHERE was.key_id = decode(substr(before->>name, 5, 16), 'hex')
          AND now.key_id = decode(substr(after->>name, 5, 16), 'hex')
          AND now.version > was.version
      )
    ) THEN
      RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
    END IF;
  END LOOP;
  IF before - TG_ARGV::text[] IS DISTINCT FROM after - TG_ARGV::text[] OR before = after THEN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
  END IF;
  RETURN NEW;
END $$;
"""
BACKWARD = """
DROP FUNCTION infrastructure_rekey_only;
DROP TRIGGER infrastructure_datakey_newer ON infrastructure_datakey;
DROP FUNCTION infrastructure_owner_only;
DROP TRIGGER infrastructure_datakey_kept ON infrastructure_datakey;
DROP FUNCTION infrastructure_refuse_change;
"""


class Migration(migrations.Migration):
    dependencies = [("infrastructure", "0002_history_read_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
