-- Two roles: the owner migrates, the application reads and writes rows.
-- Run once as superuser, before the databases are created.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_owner') THEN
    CREATE ROLE stratford_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stratford_app') THEN
    CREATE ROLE stratford_app LOGIN;
  END IF;
END $$;

-- Run while connected to template1, so that every database made from it has these rights.
ALTER DEFAULT PRIVILEGES FOR ROLE stratford_owner
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO stratford_app;
ALTER DEFAULT PRIVILEGES FOR ROLE stratford_owner
  GRANT USAGE, SELECT ON SEQUENCES TO stratford_app;
