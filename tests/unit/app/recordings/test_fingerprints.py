"""Near-duplicates: found by the index alone, told to the force that owns both, and never to another."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import BitString

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.errors import NotFound
from app.core.identity import Identity, Role
from app.exercises.models import Exercise
from app.recordings import fingerprints, service, tasks
from app.recordings.models import Duplicate, Fingerprint, FrameHash, Recording
from app.settings import Settings
from app.storage.vault import Vault
from ingest.fingerprint import FrameHash as Hashed
from ingest.vpdq_match import MOST_BITS, match
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.fingerprints import at, compare, copied, film, store
from tests.factories.recordings import job_context, make_ready_recording


@pytest.fixture
def officer(database: Database) -> Identity:
    with database.transaction() as session:
        return make_identity(session, Role.DATA_OFFICER)


@pytest.fixture
def exercise(database: Database, officer: Identity) -> Exercise:
    with database.transaction() as session:
        return make_exercise(session, organisation_id=officer.organisation_id)


def _recorded(
    database: Database,
    vault: Vault,
    hashes: list[Hashed],
    exercise: Exercise | None = None,
    *,
    data: bytes | None = None,
    md5: bytes | None = None,
) -> Recording:
    with database.transaction() as session:
        salt = data or hashes[0].hash + bytes([len(hashes)])
        made = make_ready_recording(session, vault, exercise=exercise, data=salt)
        store(session, made, hashes, md5)
        return made


def test_a_copy_is_found_from_both_sides_and_where(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    whole = film(1)
    first = _recorded(database, vault, whole, exercise)
    part = _recorded(database, vault, copied(whole[4:9], 20), exercise)
    _recorded(database, vault, film(2), exercise)
    assert compare(database, first) == [1]
    with database.transaction() as session:
        known = service.near_duplicates(session, officer, first.id)
        assert (known.state, len(known.found)) == ("compared", 1)
        found = known.found[0]
        assert (found.other.id, found.kind, found.share, found.other_share) == (part.id, "near", 0.25, 1.0)
        assert (found.stretches, found.other_stretches) == ([[20, 45]], [[0, 21]])
        seen = service.near_duplicates(session, officer, part.id)
        assert seen.state == "comparing"
        assert (seen.found[0].other.id, seen.found[0].share) == (first.id, 1.0)


def test_comparing_again_replaces_what_was_found(
    database: Database, vault: Vault, exercise: Exercise
) -> None:
    first = _recorded(database, vault, film(1), exercise)
    copy = _recorded(database, vault, copied(film(1), 5), exercise)
    assert compare(database, first, copy, first) == [1, 1, 1]
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Duplicate)) == 1
        store(session, session.get_one(Recording, copy.id), film(7))
    assert compare(database, copy, first) == [0, 0]
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(FrameHash)) == 40


def test_too_little_in_common_is_not_told(database: Database, vault: Vault) -> None:
    first = _recorded(database, vault, film(1, 30))
    _recorded(database, vault, copied(film(1, 30)[:2], 3) + film(2, 30)[2:])
    assert compare(database, first) == [0]


@pytest.mark.parametrize("same", ["sha256", "md5"])
def test_the_same_bytes_of_two_forces_are_exact(database: Database, vault: Vault, same: str) -> None:
    md5 = hashlib.md5(b"x", usedforsecurity=False).digest()
    data = (b"film", b"film") if same == "sha256" else (b"mlif", b"film")
    own = md5 if same == "md5" else None
    first = _recorded(database, vault, film(1), data=data[0], md5=own)
    second = _recorded(database, vault, film(1), data=data[1], md5=own)
    assert compare(database, first, second) == [1, 1]
    with database.transaction() as session:
        pair = session.scalars(select(Duplicate)).one()
        assert (pair.kind, pair.first_share, pair.second_share) == ("exact", 1.0, 1.0)


def test_another_forces_footage_is_for_the_auditor_alone(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    mine = _recorded(database, vault, film(1), exercise)
    theirs = _recorded(database, vault, copied(film(1), 9))
    assert compare(database, mine, theirs) == [1, 1]
    with database.transaction() as session:
        auditor = make_identity(session, Role.AUDITOR)
        assert service.near_duplicates(session, officer, mine.id).found == []
        assert [x.other.id for x in service.near_duplicates(session, auditor, mine.id).found] == [theirs.id]
        with pytest.raises(NotFound):
            service.near_duplicates(session, officer, theirs.id)
        told = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == mine.id)).all()
        assert [(event.tag, event.details) for event in told] == [("recording:compared", {"frames": 20})]


def test_what_was_never_hashed_says_so(
    database: Database, vault: Vault, officer: Identity, exercise: Exercise
) -> None:
    with database.transaction() as session:
        made = make_ready_recording(session, vault, exercise=exercise)
        assert service.near_duplicates(session, officer, made.id) == service.Duplicates("none", [])
    assert compare(database, made) == [0]


def test_dark_frames_and_repeats_are_kept_but_not_indexed(database: Database, vault: Vault) -> None:
    good = film(1, 2)
    dark = at(2, b"\0" * 32, 49)
    made = _recorded(database, vault, [*good, dark, at(3, good[0].hash)])
    other = _recorded(database, vault, [*film(9, 2), dark])
    assert compare(database, made, other) == [0, 0]
    with database.transaction() as session:
        indexed = session.execute(
            select(FrameHash.ordinal, FrameHash.bands.is_not(None))
            .where(FrameHash.recording_id == made.id)
            .order_by(FrameHash.ordinal)
        ).all()
        assert [tuple(row) for row in indexed] == [(0, True), (5, True), (10, False), (15, False)]
        mark = session.get_one(Fingerprint, made.id)
        assert (mark.frames, mark.comparable) == (4, 2)
        kept = fingerprints.hashes_of(session, session.get_one(Recording, made.id))
    unindexed = [replace(one, counts=False) for one in (dark, at(3, good[0].hash))]
    assert kept == [*good, *unindexed]


def test_the_index_finds_exactly_what_counting_all_bits_finds(database: Database, vault: Vault) -> None:
    """Every distance from 0 to 40, and the worst case: bits spread so that no band is free of a difference."""
    query = film(1, 1)[0].hash
    spread = sum(1 << (16 * band + bit) for band in range(16) for bit in (3, 9))
    worst = [spread, spread ^ (1 << 3)]  # 32 bits, two in every band; 31, one band with a single one
    changed = [(int.from_bytes(query) ^ mask).to_bytes(32) for mask in worst]
    near = [copied([at(0, query)], bits, seed)[0].hash for bits in range(41) for seed in range(3)]
    made = [_recorded(database, vault, [at(0, digest)], data=digest) for digest in [*changed, *near]]
    with database.transaction() as session:
        found = fingerprints.recordings_near(session, [query], made[0].id, lambda: None)
    apart = [(int.from_bytes(query) ^ int.from_bytes(d)).bit_count() for d in [*changed, *near]]
    assert set(found) == {one.id for one, bits in zip(made, apart, strict=True) if bits <= MOST_BITS}
    assert apart[:2] == [32, 31]


def test_the_index_is_what_answers(database: Database, vault: Vault) -> None:
    random = np.random.default_rng(4)
    for number in range(4):
        drawn = random.integers(0, 256, (500, 32), dtype=np.uint8)
        _recorded(database, vault, [at(n, bytes(d)) for n, d in enumerate(drawn)], data=bytes([number]))
    digest = film(1, 1)[0].hash
    values: dict[str, Any] = {"digest": BitString.from_bytes(digest), "own": uuid4()}
    values |= {f"band{number}": [value] for number, value in enumerate(fingerprints.bands_of(digest))}
    said = fingerprints._NEAR.compile(dialect=database.engine.dialect)
    with database.transaction() as session:
        session.execute(text("ANALYZE frame_hashes"))  # the database may know it as another test left it
    with database.transaction() as session:
        fingerprints.recordings_near(session, [], uuid4(), lambda: None)
        plan = session.connection().exec_driver_sql(f"EXPLAIN {said}", said.construct_params(values))
        lines = " ".join(row[0] for row in plan)
    assert lines.count("Bitmap Index Scan on ix_frame_hashes_bands") == 16
    assert "Seq Scan" not in lines


@pytest.mark.slow
def test_the_job_compares(database: Database, settings: Settings, vault: Vault, exercise: Exercise) -> None:
    first = _recorded(database, vault, film(1), exercise)
    copy = _recorded(database, vault, copied(film(1), 5), exercise)
    with database.transaction() as session:
        jobs = session.execute(text("SELECT task_name, args->>'recording_id' FROM procrastinate_jobs")).all()
        assert {tuple(job) for job in jobs} == {("recordings.compare", str(one.id)) for one in (first, copy)}
    tasks.compare(job_context(database, settings, vault), recording_id=copy.id)
    with database.transaction() as session:
        assert session.get_one(Fingerprint, copy.id).compared_at is not None
        assert (
            match(film(1), copied(film(1), 5)).query_share
            == session.scalars(select(Duplicate)).one().first_share
        )


def test_frames_that_do_not_count_help_to_find_those_that_do(database: Database, vault: Vault) -> None:
    """A copy whose own grid lies elsewhere: only its frames between hold what the other one counts."""
    original = film(1)
    between = [replace(one, counts=False) for one in copied(original, 9)]
    counted = [replace(one, ordinal=one.ordinal + 2) for one in film(2)]
    both = sorted([*between, *counted], key=lambda one: one.ordinal)
    first, cut = _recorded(database, vault, original), _recorded(database, vault, both)
    assert compare(database, cut, first) == [1, 0]
    with database.transaction() as session:
        pair = session.scalars(select(Duplicate)).one()
        assert (pair.first_id, pair.first_share, pair.second_share) == (first.id, 1.0, 0.0)
        assert session.get_one(Fingerprint, cut.id).comparable == 20
