-- The outbox only grows: a service adds what happened, the relay notes beside it how far it came, and what was published
-- a day ago goes through a function of the owner's. The release before this one deleted by itself: its housekeeping fails
-- until it is replaced, which loses nothing.
CREATE FUNCTION forget_published_events(most integer) RETURNS bigint
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH forgotten AS (
        DELETE FROM public.outbox
        WHERE position IN (
            SELECT o.position
            FROM public.outbox AS o
            WHERE o.published_at < now() - interval '24 hours'
            LIMIT most
        )
        RETURNING 1
    )
    SELECT count(*)
    FROM forgotten
$$;

REVOKE ALL ON FUNCTION forget_published_events(integer) FROM PUBLIC;

DO $$
DECLARE
    runtime text := regexp_replace(current_user, '_owner$', '_runtime');
BEGIN
    EXECUTE format('REVOKE INSERT, DELETE ON outbox FROM %I', runtime);
    EXECUTE format('GRANT INSERT (id, type, aggregate_id, version, data, request_id, traceparent) ON outbox TO %I', runtime);
    EXECUTE format('GRANT EXECUTE ON FUNCTION forget_published_events(integer) TO %I', runtime);
END
$$;
