"""The vault: footage comes out as it went in, and never again once its key is destroyed."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError as ConstraintViolated

from app.core.db import Database
from app.core.ids import new_id
from app.storage.base import BlobNotFound
from app.storage.envelope import CHUNK_SIZE, IntegrityError
from app.storage.keys import FileMasterKey
from app.storage.models import DataKey
from app.storage.vault import KeyDestroyed, Vault

KEY = "recordings/1/original"


@pytest.fixture
def data_key(database: Database, vault: Vault) -> DataKey:
    with database.transaction() as session:
        return vault.new_key(session, "recording", new_id())


@pytest.mark.parametrize("size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 3 * CHUNK_SIZE + 17])
def test_what_is_written_comes_back_in_ranges(vault: Vault, data_key: DataKey, size: int) -> None:
    plain = os.urandom(size)
    assert vault.write(data_key, KEY, io.BytesIO(plain)) == size
    assert vault.size(data_key, KEY) == size
    assert vault.open(data_key, KEY).read() == plain
    start, end = size // 3, size // 2
    assert b"".join(vault.open(data_key, KEY, start, end).pieces()) == plain[start:end]


def test_an_object_is_fetched_whole_for_its_owner_alone(
    vault: Vault, data_key: DataKey, tmp_path: Path
) -> None:
    plain, asked = os.urandom(3 * 2**20 + 5), []
    vault.write(data_key, KEY, io.BytesIO(plain))
    vault.fetch(data_key, KEY, tmp_path / "copy", lambda: asked.append(1))
    assert (tmp_path / "copy").read_bytes() == plain
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert len(asked) >= 4


def test_the_store_holds_nothing_readable(vault: Vault, data_key: DataKey) -> None:
    secret = b"a face, a plate, a voice " * 100
    vault.write(data_key, KEY, io.BytesIO(secret))
    with vault.store.read(KEY) as stream:
        assert secret[:25] not in stream.read()


def test_one_subjects_key_does_not_open_anothers_objects(
    database: Database, vault: Vault, data_key: DataKey
) -> None:
    vault.write(data_key, KEY, io.BytesIO(b"data"))
    with database.transaction() as session:
        other = vault.new_key(session, "recording", new_id())
    with pytest.raises(IntegrityError):
        vault.open(other, KEY).read()


def test_a_key_moved_to_another_subjects_row_does_not_unwrap(vault: Vault, data_key: DataKey) -> None:
    vault.write(data_key, KEY, io.BytesIO(b"data"))
    moved = DataKey(
        id=new_id(), subject_kind="recording", subject_id=new_id(), master_key_id="", wrapped=data_key.wrapped
    )
    with pytest.raises(IntegrityError):
        vault.open(moved, KEY)


def test_a_destroyed_key_opens_nothing_for_anyone(
    database: Database, vault: Vault, data_key: DataKey
) -> None:
    vault.write(data_key, KEY, io.BytesIO(b"data"))
    with database.transaction() as session:
        row = session.get_one(DataKey, data_key.id)
        vault.destroy(session, row)
        first = row.destroyed_at
        vault.destroy(session, row)
        assert row.destroyed_at == first is not None
    with database.transaction() as session:
        row = session.get_one(DataKey, data_key.id)
        assert row.wrapped is None
        for ask in (vault.open, vault.size):
            with pytest.raises(KeyDestroyed):
                ask(row, KEY)
        with pytest.raises(KeyDestroyed):
            vault.write(row, KEY, io.BytesIO(b"more"))
    assert vault.store.exists(KEY)  # the bytes may stay in backups: they are noise now


def test_a_destruction_that_is_rolled_back_leaves_the_key(database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        row = vault.new_key(session, "recording", new_id())
        vault.write(row, KEY, io.BytesIO(b"data"))
    with database.transaction() as session:
        found = session.get_one(DataKey, row.id)
        vault.destroy(session, found)
        session.rollback()
        assert vault.open(session.get_one(DataKey, row.id), KEY).read() == b"data"


def test_the_database_refuses_a_half_destroyed_key(database: Database, data_key: DataKey) -> None:
    with pytest.raises(ConstraintViolated), database.transaction() as session:
        session.execute(text("UPDATE data_keys SET wrapped = NULL"))


def test_the_master_key_is_asked_once_a_minute(vault: Vault, data_key: DataKey) -> None:
    class Counting(FileMasterKey):
        asked = 0

        def unwrap(self, *args: object) -> bytes:
            Counting.asked += 1
            return b"k" * 32

    counting = Vault(vault.store, Counting(bytes(32)))
    counting.write(data_key, KEY, io.BytesIO(b"data"))
    for _ in range(5):
        assert counting.open(data_key, KEY).read() == b"data"
    assert Counting.asked == 1


def test_what_is_missing_or_deleted_is_not_found(vault: Vault, data_key: DataKey) -> None:
    vault.write(data_key, KEY, io.BytesIO(b"data"))
    vault.delete(KEY)
    vault.delete(KEY)
    with pytest.raises(BlobNotFound):
        vault.open(data_key, KEY)
