"""The database's own guard: no statement of the service, and no slip at a prompt, rewrites the log.

The tables' owner could still switch it off; `cordon audit verify` shows what was changed then. SQLAlchemy has no
words for triggers, so a migration runs these statements (each may be run again).
"""

from __future__ import annotations

_EVENTS = """
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
END $$
"""

_TILES = """
CREATE OR REPLACE FUNCTION audit_tiles_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.level, NEW.tile_index) = (OLD.level, OLD.tile_index)
       AND substring(NEW.hashes FROM 1 FOR octet_length(OLD.hashes)) = OLD.hashes THEN
        RETURN NEW; -- a tile only grows
    END IF;
    RAISE EXCEPTION 'audit_tiles is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

_REFUSE = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

_GUARDS = (
    ("audit_events", "INSERT OR UPDATE OR DELETE", "audit_events_guard"),
    ("audit_tiles", "UPDATE OR DELETE", "audit_tiles_guard"),
    ("audit_checkpoints", "UPDATE OR DELETE", "audit_refuse"),
)


def create_guards() -> list[str]:
    """Statements that make the log's three tables append-only, to be run after they are created."""
    statements = [_EVENTS, _TILES, _REFUSE]
    for table, operations, function in _GUARDS:
        row = f"CREATE OR REPLACE TRIGGER {table}_guard BEFORE {operations} ON {table}"
        whole = f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
        statements.append(f"{row} FOR EACH ROW EXECUTE FUNCTION {function}()")
        statements.append(f"{whole} FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()")
    return statements


def drop_guards() -> list[str]:
    """Statements that undo `create_guards`, to be run before the tables are dropped."""
    statements = [
        f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}"
        for table, _, _ in _GUARDS
        for name in ("guard", "no_truncate")
    ]
    functions = ("audit_events_guard", "audit_tiles_guard", "audit_refuse")
    return statements + [f"DROP FUNCTION IF EXISTS {function}()" for function in functions]
