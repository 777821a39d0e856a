"""What the database itself refuses: a frozen version, and what it holds, never change again."""

from __future__ import annotations

STATEMENTS = [
    """
    CREATE FUNCTION refuse_frozen_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.state = 'frozen' THEN
        RAISE EXCEPTION 'dataset version % is frozen', OLD.id USING ERRCODE = 'check_violation';
      END IF;
      RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$
    """,
    """
    CREATE TRIGGER dataset_versions_frozen BEFORE UPDATE OR DELETE ON dataset_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_frozen_version()
    """,
    """
    CREATE FUNCTION refuse_frozen_items() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wanted uuid := CASE TG_OP WHEN 'INSERT' THEN NEW.dataset_version_id ELSE OLD.dataset_version_id END;
    BEGIN
      IF EXISTS (SELECT 1 FROM dataset_versions WHERE id = wanted AND state = 'frozen') THEN
        RAISE EXCEPTION 'dataset version % is frozen', wanted USING ERRCODE = 'check_violation';
      END IF;
      RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$
    """,
    """
    CREATE TRIGGER dataset_items_frozen BEFORE INSERT OR UPDATE OR DELETE ON dataset_items
    FOR EACH ROW EXECUTE FUNCTION refuse_frozen_items()
    """,
]
DROP_STATEMENTS = [
    "DROP TRIGGER dataset_items_frozen ON dataset_items",
    "DROP FUNCTION refuse_frozen_items()",
    "DROP TRIGGER dataset_versions_frozen ON dataset_versions",
    "DROP FUNCTION refuse_frozen_version()",
]
