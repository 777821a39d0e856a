"""Originals written outside of every transaction, before any row names them.

Writing may take an hour: a transaction that is open as long keeps the database from tidying up, and whoever waits for
its locks waiting. So each attempt of a job writes under a key and at a place of its own, and one short transaction
makes that count. What is not to count is removed by whoever finds out, or by the sweep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast
from uuid import UUID

from app.storage.models import DataKey
from app.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class StoredOriginal:
    """An original in the vault that no row names yet, and the key to it, which is in no table yet either."""

    key: DataKey
    blob_key: str
    size: int
    sha256: bytes

    @property
    def beside(self) -> str:
        """Where else this attempt may write."""
        return self.blob_key.rpartition("/")[0]


class _Hashing:
    """Reads a file through to the vault, hashing what passes."""

    def __init__(self, file: BinaryIO, check: Callable[[], None]) -> None:
        self._file = file
        self._check = check
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        self._check()
        data = self._file.read(size)
        self.digest.update(data)
        return data


def store_original(
    vault: Vault, recording_id: UUID, attempt_key: str, file: BinaryIO, check: Callable[[], None]
) -> StoredOriginal:
    """Encrypts a file as the original of a recording to be. `check` may raise to stop. Raises StoreUnavailable."""
    key = vault.make_key("recording", recording_id)
    blob_key = f"recordings/{recording_id}/{attempt_key}/original"
    source = _Hashing(file, check)
    size = vault.write(key, blob_key, cast(BinaryIO, source))
    return StoredOriginal(key, blob_key, size, source.digest.digest())
