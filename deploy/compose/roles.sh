#!/bin/sh
# Makes a service's database what it is for its two roles: SERVICE_owner migrates, SERVICE_runtime may do what the
# migrations grant it, connects to no other database and keeps nobody waiting. Run by PostgreSQL's image at its first start.
set -eu
owner="$(cat "/run/secrets/$SERVICE-owner-password")"
runtime="$(cat "/run/secrets/$SERVICE-runtime-password")"
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname="$SERVICE" \
    --set=service="$SERVICE" --set=owner="${SERVICE}_owner" --set=runtime="${SERVICE}_runtime" <<SQL
CREATE ROLE :"owner" LOGIN PASSWORD '$owner';
CREATE ROLE :"runtime" LOGIN PASSWORD '$runtime';
ALTER DATABASE :"service" OWNER TO :"owner";
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"runtime";
ALTER ROLE :"runtime" SET statement_timeout = '30s';
ALTER ROLE :"runtime" SET idle_in_transaction_session_timeout = '30s';
SQL
