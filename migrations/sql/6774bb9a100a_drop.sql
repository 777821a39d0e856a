-- Frozen with the migration of the same revision: never edited after its release.
DROP TRIGGER dataset_items_frozen ON dataset_items;

DROP FUNCTION refuse_frozen_items();

DROP TRIGGER dataset_versions_frozen ON dataset_versions;

DROP FUNCTION refuse_frozen_version();

DROP TRIGGER IF EXISTS audit_events_guard ON audit_events;

DROP TRIGGER IF EXISTS audit_events_no_truncate ON audit_events;

DROP TRIGGER IF EXISTS audit_tiles_guard ON audit_tiles;

DROP TRIGGER IF EXISTS audit_tiles_no_truncate ON audit_tiles;

DROP TRIGGER IF EXISTS audit_checkpoints_guard ON audit_checkpoints;

DROP TRIGGER IF EXISTS audit_checkpoints_no_truncate ON audit_checkpoints;

DROP FUNCTION IF EXISTS audit_events_guard();

DROP FUNCTION IF EXISTS audit_tiles_guard();

DROP FUNCTION IF EXISTS audit_refuse();

DROP TABLE IF EXISTS procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers
    CASCADE;
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT oid::regprocedure AS signature FROM pg_proc
        WHERE proname LIKE 'procrastinate\_%' AND pronamespace = current_schema()::regnamespace
    LOOP EXECUTE 'DROP FUNCTION ' || found.signature || ' CASCADE'; END LOOP;
END $$;
DROP TYPE IF EXISTS procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
