-- Frozen with the migration of the same revision: never edited after its release.
CREATE OR REPLACE FUNCTION audit_events_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unplaced audit_events%ROWTYPE;
BEGIN
    IF TG_OP = 'INSERT' AND NEW.leaf_index IS NULL THEN
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' AND OLD.leaf_index IS NULL THEN
        unplaced := NEW;
        unplaced.leaf_index := NULL;
        IF unplaced *= OLD THEN -- identical to the byte, but for its place in the tree
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'audit_events is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION audit_tiles_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.level, NEW.tile_index) = (OLD.level, OLD.tile_index)
       AND substring(NEW.hashes FROM 1 FOR octet_length(OLD.hashes)) = OLD.hashes THEN
        RETURN NEW; -- a tile only grows
    END IF;
    RAISE EXCEPTION 'audit_tiles is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE TRIGGER audit_events_guard BEFORE INSERT OR UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_guard();

CREATE OR REPLACE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE OR REPLACE TRIGGER audit_tiles_guard BEFORE UPDATE OR DELETE ON audit_tiles FOR EACH ROW EXECUTE FUNCTION audit_tiles_guard();

CREATE OR REPLACE TRIGGER audit_tiles_no_truncate BEFORE TRUNCATE ON audit_tiles FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE OR REPLACE TRIGGER audit_checkpoints_guard BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse();

CREATE OR REPLACE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE FUNCTION refuse_frozen_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'frozen' THEN
    RAISE EXCEPTION 'dataset version % is frozen', OLD.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER dataset_versions_frozen BEFORE UPDATE OR DELETE ON dataset_versions
FOR EACH ROW EXECUTE FUNCTION refuse_frozen_version();

CREATE FUNCTION refuse_frozen_items() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted uuid := CASE TG_OP WHEN 'INSERT' THEN NEW.dataset_version_id ELSE OLD.dataset_version_id END;
BEGIN
  IF EXISTS (SELECT 1 FROM dataset_versions WHERE id = wanted AND state = 'frozen') THEN
    RAISE EXCEPTION 'dataset version % is frozen', wanted USING ERRCODE = 'check_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER dataset_items_frozen BEFORE INSERT OR UPDATE OR DELETE ON dataset_items
FOR EACH ROW EXECUTE FUNCTION refuse_frozen_items();
