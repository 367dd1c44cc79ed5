-- What a service's two roles are in its database, in every deployment: run as the superuser when both roles and the
-- database are there, as often as one likes. The owner migrates; the runtime role may do what the migrations grant it,
-- connects to no other service's database, and keeps nobody waiting (a session may give itself less time).
ALTER DATABASE :database OWNER TO :owner;
REVOKE ALL ON DATABASE :database FROM PUBLIC;
GRANT CONNECT ON DATABASE :database TO :runtime;
ALTER ROLE :runtime NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE :runtime SET statement_timeout = '30s';
ALTER ROLE :runtime SET idle_in_transaction_session_timeout = '30s';
