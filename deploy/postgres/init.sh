#!/bin/sh
# Runs once, when the container's data folder is new: the two roles, then one empty database.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname template1 --file /roles.sql
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  -v app="$STRATFORD_APP_PASSWORD" -v owner="$STRATFORD_OWNER_PASSWORD" -v name="$STRATFORD_DATABASE" <<'SQL'
ALTER ROLE stratford_app PASSWORD :'app';
ALTER ROLE stratford_owner PASSWORD :'owner';
CREATE DATABASE :"name" OWNER stratford_owner;
SQL
if [ "$STRATFORD_DATABASE" = timescale ]; then
  psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname timescale \
    --command "CREATE EXTENSION IF NOT EXISTS timescaledb"
fi
