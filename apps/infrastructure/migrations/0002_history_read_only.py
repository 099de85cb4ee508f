"""The application's role reads which migrations ran; only their owner writes it."""

from django.db import migrations

FORWARD = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM stratford_app;
  END IF;
END $$;
"""
BACKWARD = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    GRANT INSERT, UPDATE, DELETE ON django_migrations TO stratford_app;
  END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("infrastructure", "0001_initial")]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD, hints={"database": database})
        for database in ("default", "timescale")
    ]
