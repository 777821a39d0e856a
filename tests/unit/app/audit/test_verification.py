"""Whatever is changed in the database behind the service's back, the whole log's verification names it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.audit.entry import leaf_hash_of
from app.audit.events import Tag
from app.audit.models import AuditCheckpoint, AuditEvent, AuditTile
from app.audit.service import append, checkpoint_note
from app.audit.verification import LogReport, LogTampered, take_snapshot, verify_log
from app.core.db import Database
from app.core.identity import Identity
from app.core.ids import new_id
from app.proofs.checkpoint import Checkpoint, open_checkpoint
from app.proofs.merkle import root_hash
from app.proofs.note import NoteSigner

Fill = Callable[..., list[UUID]]
SIZE = 12
BATCHES = (4, 1, 7)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CHANGES = {
    "id": "gen_random_uuid()",
    "at": "at + interval '1 microsecond'",
    "tag": "'sign-in:success'",
    "verb": "'erasure'",
    "actor_kind": "'system'",
    "actor_id": "gen_random_uuid()",
    "actor_label": "actor_label || ' '",
    "person_id": "gen_random_uuid()",
    "organisation_id": "NULL",
    "subject_kind": "'recording'",
    "subject_id": "gen_random_uuid()",
    "purpose": "NULL",
    "request_id": "''",
    "details": "details || '{\"bytes\": 99}'",
    "salt": "set_byte(salt, 7, 255 - get_byte(salt, 7))",
    "leaf_hash": "set_byte(leaf_hash, 7, 255 - get_byte(leaf_hash, 7))",
}


@contextmanager
def tampering(db: Database) -> Iterator[Session]:
    """A session in which the guards are off; everything done in it is undone."""
    with Session(db.engine) as session:
        for model in (AuditEvent, AuditTile, AuditCheckpoint):
            session.execute(text(f"ALTER TABLE {model.__tablename__} DISABLE TRIGGER USER"))
        yield session
        session.rollback()


def test_every_column_of_an_event_is_among_the_changes() -> None:
    assert set(CHANGES) | {"leaf_index"} == set(AuditEvent.__table__.columns.keys())


def test_a_sound_log_is_reported(db: Database, signer: NoteSigner, fill: Fill, officer: Identity) -> None:
    fill(*BATCHES)
    with db.transaction() as session:
        append(session, officer, Tag.SIGN_OUT)
    with db.transaction() as session:
        take_snapshot(session)
        report = verify_log(session, signer.verifier)
        leaves = session.scalars(
            select(AuditEvent.leaf_hash).where(AuditEvent.leaf_index >= 0).order_by(AuditEvent.leaf_index)
        )
        assert report == LogReport(SIZE, 1, 3, root_hash(list(leaves)))


def test_a_log_that_never_began_is_sound(db: Database, signer: NoteSigner) -> None:
    with db.transaction() as session:
        assert verify_log(session, signer.verifier).checkpoints == 0


@quick
@given(st.sampled_from(sorted(CHANGES)), st.integers(0, SIZE - 1))
def test_a_changed_field_of_any_event_is_named(
    log: tuple[Database, NoteSigner], column: str, place: int
) -> None:
    db, signer = log
    with tampering(db) as session:
        statement = (
            f"UPDATE audit_events SET {column} = {CHANGES[column]} WHERE leaf_index = :place RETURNING id"
        )
        event = session.scalar(text(statement), {"place": place})
        with pytest.raises(LogTampered, match=str(event)) as caught:
            verify_log(session, signer.verifier)
        assert caught.value.row == f"event {event}"


@quick
@given(st.integers(0, SIZE - 1), st.data())
def test_a_rewritten_event_with_its_hash_recomputed_is_caught(
    log: tuple[Database, NoteSigner], place: int, data: st.DataObject
) -> None:
    db, signer = log
    with tampering(db) as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.leaf_index == place)).one()
        event.purpose = data.draw(st.sampled_from(["other", "none"]))
        event.leaf_hash = leaf_hash_of(event)
        session.flush()
        with pytest.raises(LogTampered, match=r"checkpoint|tile"):
            verify_log(session, signer.verifier)


@quick
@given(st.integers(0, SIZE - 1), st.integers(0, 31), st.integers(1, 255))
def test_a_changed_node_is_named(
    log: tuple[Database, NoteSigner], place: int, offset: int, mask: int
) -> None:
    db, signer = log
    with tampering(db) as session:
        position = place * 32 + offset
        hashes = bytearray(session.scalars(select(AuditTile.hashes)).one())
        hashes[position] ^= mask
        session.execute(update(AuditTile).values(hashes=bytes(hashes)))
        with pytest.raises(LogTampered, match=r"tile 0/000"):
            verify_log(session, signer.verifier)


@quick
@given(st.sampled_from([4, 5, 12]), st.sampled_from(["note", "size", "root"]), st.data())
def test_a_changed_checkpoint_is_named(
    log: tuple[Database, NoteSigner], size: int, column: str, data: st.DataObject
) -> None:
    db, signer = log
    with tampering(db) as session:
        row = session.get_one(AuditCheckpoint, size)
        value: object = size + 20
        if column == "root":
            value = bytes(32)
        if column == "note":
            position = data.draw(st.integers(0, len(row.note) - 1))
            value = row.note[:position] + chr(ord(row.note[position]) ^ 1) + row.note[position + 1 :]
        session.execute(update(AuditCheckpoint).where(AuditCheckpoint.size == size).values({column: value}))
        session.expire_all()
        with pytest.raises(LogTampered, match="checkpoint"):
            verify_log(session, signer.verifier)


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("DELETE FROM audit_events WHERE leaf_index = 0", "event"),
        ("DELETE FROM audit_events WHERE leaf_index = 6", "event"),
        ("DELETE FROM audit_events WHERE leaf_index = 11", "checkpoint 12"),
        ("UPDATE audit_events SET leaf_index = 40 WHERE leaf_index = 11", "event"),
        ("UPDATE audit_events SET leaf_index = NULL WHERE leaf_index = 11", "checkpoint 12"),
        ("DELETE FROM audit_checkpoints WHERE size = 12", "event"),
        ("DELETE FROM audit_checkpoints", "event"),
        ("DELETE FROM audit_tiles", "tile 0/000"),
        ("INSERT INTO audit_tiles SELECT 1, 0, hashes FROM audit_tiles", "audit_tiles"),
    ],
)
def test_what_is_missing_or_added_is_named(
    log: tuple[Database, NoteSigner], statement: str, row: str
) -> None:
    db, signer = log
    with tampering(db) as session:
        session.execute(text(statement))
        with pytest.raises(LogTampered) as caught:
            verify_log(session, signer.verifier)
        assert caught.value.row.startswith(row)


def test_two_events_that_change_places_are_named(log: tuple[Database, NoteSigner]) -> None:
    db, signer = log
    with tampering(db) as session:
        session.execute(text("UPDATE audit_events SET leaf_index = 99 WHERE leaf_index = 2"))
        session.execute(text("UPDATE audit_events SET leaf_index = 2 WHERE leaf_index = 3"))
        session.execute(text("UPDATE audit_events SET leaf_index = 3 WHERE leaf_index = 99"))
        with pytest.raises(LogTampered, match="checkpoint 4"):
            verify_log(session, signer.verifier)


def test_a_checkpoint_signed_over_another_history_is_named(log: tuple[Database, NoteSigner]) -> None:
    db, signer = log
    forged = Checkpoint(signer.name, 8, bytes(32))
    with tampering(db) as session:
        session.add(AuditCheckpoint(size=8, root=forged.root, note=forged.sign(signer)))
        session.flush()
        with pytest.raises(LogTampered, match="checkpoint 8"):
            verify_log(session, signer.verifier)


def test_another_key_verifies_nothing(log: tuple[Database, NoteSigner]) -> None:
    db, signer = log
    with db.transaction() as session, pytest.raises(LogTampered, match="not signed by"):
        verify_log(session, NoteSigner.generate(signer.name).verifier)


def test_a_kept_checkpoint_shows_a_log_that_was_cut_off(log: tuple[Database, NoteSigner]) -> None:
    db, signer = log
    with db.transaction() as session:
        kept = open_checkpoint(checkpoint_note(session), signer.verifier)
        assert verify_log(session, signer.verifier, remembered=kept).size == SIZE
        short = open_checkpoint(session.get_one(AuditCheckpoint, 5).note, signer.verifier)
        assert verify_log(session, signer.verifier, remembered=short).size == SIZE
        between = Checkpoint(signer.name, 7, bytes(32))
        with pytest.raises(LogTampered, match="remembered checkpoint 7"):
            verify_log(session, signer.verifier, remembered=between)
    with tampering(db) as session:
        session.execute(text("DELETE FROM audit_events WHERE leaf_index >= 5"))
        session.execute(text("DELETE FROM audit_checkpoints WHERE size > 5"))
        session.execute(text("UPDATE audit_tiles SET hashes = substring(hashes FROM 1 FOR 160)"))
        assert verify_log(session, signer.verifier).size == 5
        with pytest.raises(LogTampered, match="only 5 entries are left"):
            verify_log(session, signer.verifier, remembered=kept)


def test_a_log_of_several_tiles_and_pages_is_sound(db: Database, signer: NoteSigner, fill: Fill) -> None:
    fill(255, 1, 1, 2300)
    with db.transaction() as session:
        assert verify_log(session, signer.verifier).size == 2557
        assert session.scalar(select(func.count(AuditTile.level))) == 11
    with tampering(db) as session:
        session.execute(text("UPDATE audit_events SET purpose = 'x' WHERE leaf_index = 2400"))
        with pytest.raises(LogTampered, match="content differs"):
            verify_log(session, signer.verifier)
    with tampering(db) as session:
        session.execute(
            update(AuditTile).where(AuditTile.level == 1).values(hashes=func.set_byte(AuditTile.hashes, 9, 0))
        )
        with pytest.raises(LogTampered, match=r"tile 1/000|size"):
            verify_log(session, signer.verifier)


def test_an_event_moved_to_a_foreign_id_is_named(log: tuple[Database, NoteSigner]) -> None:
    db, signer = log
    foreign = new_id()
    with tampering(db) as session:
        session.execute(update(AuditEvent).where(AuditEvent.leaf_index == 1).values(id=foreign))
        with pytest.raises(LogTampered, match=str(foreign)):
            verify_log(session, signer.verifier)


@pytest.fixture
def log(db: Database, fill: Fill, signer: NoteSigner) -> tuple[Database, NoteSigner]:
    """Twelve entries under three checkpoints."""
    fill(*BATCHES)
    return db, signer
