"""Places in the tree: unique, gapless, whatever the order in which transactions commit."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app.audit.events import Tag
from app.audit.models import AuditCheckpoint, AuditEvent
from app.audit.sequencer import integrate, run_sequencer
from app.audit.service import append
from app.audit.verification import verify_log
from app.core.db import Database
from app.core.identity import ANONYMOUS, Identity
from app.proofs.checkpoint import open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import EMPTY_ROOT
from app.proofs.note import NoteSigner

Fill = Callable[..., list[UUID]]


def test_the_first_pass_signs_the_empty_tree(db: Database, signer: NoteSigner) -> None:
    for _ in range(2):
        with db.transaction() as session:
            assert integrate(session, signer) == 0
    with db.transaction() as session:
        notes = list(session.scalars(select(AuditCheckpoint.note)))
        assert [open_checkpoint(note, signer.verifier).root for note in notes] == [EMPTY_ROOT]
        assert verify_log(session, signer.verifier).size == 0


def test_events_that_commit_late_are_not_lost(db: Database, signer: NoteSigner, officer: Identity) -> None:
    with db.transaction() as slow:
        late = append(slow, officer, Tag.UPLOAD_CREATE).id
        slow.flush()
        with db.transaction() as session:
            early = append(session, officer, Tag.UPLOAD_COMPLETE).id
        with db.transaction() as session:
            assert integrate(session, signer) == 1
    with db.transaction() as session:
        assert integrate(session, signer) == 1
    with db.transaction() as session:
        order = list(session.scalars(select(AuditEvent.id).order_by(AuditEvent.leaf_index)))
        assert late < early
        assert order == [early, late]


def test_a_pass_takes_one_batch(db: Database, signer: NoteSigner, officer: Identity) -> None:
    with db.transaction() as session:
        for _ in range(7):
            append(session, officer, Tag.SIGN_OUT)
    taken = []
    for _ in range(4):
        with db.transaction() as session:
            taken.append(integrate(session, signer, batch=3))
    assert taken == [3, 3, 1, 0]


def test_a_pass_that_is_rolled_back_leaves_no_trace(db: Database, signer: NoteSigner, fill: Fill) -> None:
    fill(2)
    with db.transaction() as session:
        append(session, ANONYMOUS, Tag.SIGN_IN_FAILURE)
    with pytest.raises(ZeroDivisionError), db.transaction() as session:
        _ = 1 / (integrate(session, signer) - 1)
    with db.transaction() as session:
        assert session.scalar(select(func.max(AuditCheckpoint.size))) == 2
        assert integrate(session, signer) == 1
    with db.transaction() as session:
        assert verify_log(session, signer.verifier).size == 3


def test_concurrent_writers_and_sequencers_leave_no_gap(
    db: Database, signer: NoteSigner, officer: Identity
) -> None:
    done = threading.Event()

    def write(_: int) -> None:
        for _ in range(25):
            with db.transaction() as session:
                append(session, officer, Tag.ANNOTATION_SAVED)
                append(session, officer, Tag.ANNOTATION_SUBMITTED)

    with ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(run_sequencer, db, signer, stop=done.is_set, interval=0.01) for _ in range(2)]
        for writer in [pool.submit(write, number) for number in range(6)]:
            writer.result()
        done.set()
        for loop in loops:
            loop.result()
    with db.transaction() as session:
        integrate(session, signer)
    with db.transaction() as session:
        places = list(session.scalars(select(AuditEvent.leaf_index).order_by(AuditEvent.leaf_index)))
        assert places == list(range(300))
        assert verify_log(session, signer.verifier).size == 300


def test_the_loop_integrates_soon_and_stops(db: Database, signer: NoteSigner, officer: Identity) -> None:
    done = threading.Event()
    thread = threading.Thread(target=run_sequencer, args=(db, signer), kwargs={"stop": done.is_set})
    thread.start()
    try:
        with db.transaction() as session:
            event = append(session, officer, Tag.SIGN_OUT).id
        deadline = time.monotonic() + 5
        place = None
        while place is None and time.monotonic() < deadline:
            time.sleep(0.05)
            with db.transaction() as session:
                place = session.scalar(select(AuditEvent.leaf_index).where(AuditEvent.id == event))
        assert place == 0
    finally:
        done.set()
        thread.join(5)
    assert not thread.is_alive()


def test_the_loop_outlives_lost_connections(db: Database, signer: NoteSigner, officer: Identity) -> None:
    passes = iter(range(40))

    def stop() -> bool:
        number = next(passes, None)
        if number == 5:
            with db.transaction() as session:
                append(session, officer, Tag.SIGN_OUT)
        if number in (3, 8):
            with db.engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE pid <> pg_backend_pid() AND usename = current_user AND datname = current_database()"
                    )
                )
        return number is None

    run_sequencer(db, signer, stop=stop, interval=0)
    with db.transaction() as session:
        assert verify_log(session, signer.verifier).size == 1


def test_nothing_is_signed_over_a_damaged_tree(
    db: Database, signer: NoteSigner, officer: Identity, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    fill(3)
    with db.transaction() as session:
        session.execute(text("ALTER TABLE audit_tiles DISABLE TRIGGER USER"))
        session.execute(
            text("UPDATE audit_tiles SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40))")
        )
        append(session, officer, Tag.SIGN_OUT)
    with pytest.raises(ProofError, match="checkpoint of size 3"), db.transaction() as session:
        integrate(session, signer)
    once = iter([False])
    run_sequencer(db, signer, stop=lambda: next(once, True), interval=0)
    assert "audit log is damaged" in caplog.text
    with db.transaction() as session:
        assert session.scalar(select(func.max(AuditCheckpoint.size))) == 3
