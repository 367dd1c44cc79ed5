#!/bin/sh
# Makes the two roles of a service and gives them their rights (roles.sql, the same in every deployment). Run by
# PostgreSQL's image at its first start.
set -eu
owner="$(cat "/run/secrets/$SERVICE-owner-password")"
runtime="$(cat "/run/secrets/$SERVICE-runtime-password")"
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname="$SERVICE" \
    --set=database="$SERVICE" --set=owner="${SERVICE}_owner" --set=runtime="${SERVICE}_runtime" <<SQL
CREATE ROLE :"owner" LOGIN PASSWORD '$owner';
CREATE ROLE :"runtime" LOGIN PASSWORD '$runtime';
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
\\i /roles.sql
SQL
