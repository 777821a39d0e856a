"""The checker notices: each wrong that a campaign might leave is put there, and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from app.audit import service as audit
from app.audit.events import Tag
from app.audit.keys import load_checkpoint_key
from app.audit.sequencer import integrate
from app.core.db import Database
from app.core.identity import SYSTEM
from app.recordings.models import Recording
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.recordings import make_ready_recording
from tests.faults.checker import _on_disk, check, envelope_length, merkle_root

Check = Callable[[], list[str]]


@pytest.fixture
def recording(database: Database, settings: Settings, vault: Vault) -> Recording:
    """A sound state: one ready recording, and the log's tree up with its entries."""
    with database.transaction() as session:
        made = make_ready_recording(session, vault)
        audit.append(session, SYSTEM, Tag.RECORDING_VIEWED, subject=("recording", made.id), details={})
    with database.transaction() as session:
        integrate(session, load_checkpoint_key(settings.checkpoint_key_uri))
    return made


@pytest.fixture
def found(recording: Recording, settings: Settings) -> Check:
    """What the checker says now; asked once before anything is wrong."""
    conninfo = (settings.database_url or "").replace("+psycopg", "")

    def ask() -> list[str]:
        return check(conninfo, settings.home)

    assert ask() == []
    return ask


def test_objects_that_no_row_names_or_that_are_gone(
    found: Check, settings: Settings, recording: Recording
) -> None:
    stray = settings.home / "objects" / "recordings" / str(recording.id) / "9" / "master.mp4"
    stray.parent.mkdir()
    stray.write_bytes(b"left by an attempt that died")
    assert "no row names the stored object" in " ".join(found())
    stray.unlink()
    (settings.home / "objects" / recording.blob_key).unlink()
    assert "None bytes are stored" in " ".join(found())


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE recordings SET state = 'processing'", "is processing"),
        ("UPDATE renditions SET attempt = 2", "several attempts"),
        ("UPDATE clips SET end_frame = 40 WHERE ordinal = 0", "do not cover"),
        ("UPDATE clips SET ordinal = 7 WHERE ordinal = 1", "has the clips [0, 7]"),
        ("UPDATE uploads SET state = 'received'", "is received"),
        ("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('x', 'x.y')", "(x.y) is todo"),
        ("UPDATE audit_checkpoints SET root = decode(repeat('00', 32), 'hex')", "another root"),
        ("UPDATE audit_events SET leaf_index = NULL", "entries stand at"),
    ],
)
def test_rows_that_do_not_fit(database: Database, found: Check, statement: str, said: str) -> None:
    with database.transaction() as session:
        session.execute(
            text("SET LOCAL session_replication_role = replica")
        )  # past the guards, as an attacker
        session.execute(text(statement))
    assert said in " ".join(found())


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        ("truncated", "The file is cut short: 10 of 25 pictures can be read.", None),
        (
            "undecodable",
            "The sound cannot be decoded: [aac @ 0x564d946aac80] Terminating.",
            "nobody understands",
        ),
        ("undecodable", None, "nobody understands"),
        ("processing_failed", "The service failed to process this file several times.", "processing_failed"),
    ],
)
def test_a_refusal_is_of_the_file_and_in_words(
    database: Database,
    settings: Settings,
    recording: Recording,
    code: str,
    reason: str | None,
    said: str | None,
) -> None:
    with database.transaction() as session:
        session.execute(text("DELETE FROM clips; DELETE FROM renditions"))
        state = "UPDATE recordings SET state = 'rejected', reason_code = :code, reason = :reason"
        session.execute(text(state), {"code": code, "reason": reason})
        audit.append(session, SYSTEM, Tag.RECORDING_REJECTED, subject=("recording", recording.id), details={})
    conninfo = (settings.database_url or "").replace("+psycopg", "")
    found = [line for line in check(conninfo, settings.home, refusals=True) if str(recording.id) in line]
    found = [line for line in found if "no row names" not in line]
    assert found == [] if said is None else said in " ".join(found)


def test_what_a_bucket_holds_is_compared_as_files_are(
    settings: Settings, recording: Recording, found: Check
) -> None:
    conninfo = (settings.database_url or "").replace("+psycopg", "")
    stored = _on_disk(settings.home / "objects")
    assert check(conninfo, settings.home, stored=stored) == []
    missing = {key: size for key, size in stored.items() if key != recording.blob_key}
    assert "None bytes are stored" in " ".join(check(conninfo, settings.home, stored=missing))


def test_files_left_in_the_home(found: Check, settings: Settings) -> None:
    (settings.home / "uploads" / "half").write_bytes(b"x")
    (settings.home / "work" / "job-abc").mkdir()
    assert sorted(line.rpartition(" ")[2] for line in found()) == ["half", "job-abc"]


def test_a_stored_length_is_what_the_envelopes_format_says(
    vault: Vault, database: Database, home: Path
) -> None:
    with database.transaction() as session:
        made = make_ready_recording(session, vault, data=b"x" * 600_000)
    assert (home / "objects" / made.blob_key).stat().st_size == envelope_length(600_000)
    assert envelope_length(0) == 48


def test_the_tree_is_rfc_6962s() -> None:
    """The empty tree's and a one-leaf tree's roots, and that the split is at the largest power of two."""
    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    a, b, c = (bytes([n]) * 32 for n in range(3))
    assert merkle_root([a]) == a
    assert merkle_root([a, b, c]) == merkle_root([merkle_root([a, b]), c])
