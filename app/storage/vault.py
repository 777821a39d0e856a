"""The vault: the only door to stored footage. What goes in is encrypted; what comes out is checked."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, ClassVar
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import NotFound
from app.core.ids import new_id
from app.settings import Settings
from app.storage.base import READ_SIZE, BlobStore, open_store
from app.storage.envelope import CHUNK_SIZE, Layout, decrypt, encrypting_stream, plain_size
from app.storage.keys import KEY_SIZE, MasterKey, open_master_key
from app.storage.models import DataKey
from app.storage.streams import PieceReader

CACHE_SECONDS = 60.0
CACHE_KEYS = 256


class KeyDestroyed(NotFound):
    """The data key was destroyed: these bytes cannot be read again by anyone."""

    type: ClassVar[str] = "erased"
    title: ClassVar[str] = "This has been erased"


class Vault:
    """Encrypted objects under data keys.

    An unwrapped key is kept in memory for CACHE_SECONDS, for a KMS call costs 10 ms and money while a player asks for
    dozens of ranges a minute. A destroyed key's row has no wrapped key, so the cache is never asked for it.
    """

    def __init__(self, store: BlobStore, master: MasterKey) -> None:
        self.store = store
        self._master = master
        self._cache: OrderedDict[UUID, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Vault:
        """The vault that the settings name. Raises SettingsError for what cannot be used."""
        return cls(open_store(settings.storage_url), open_master_key(settings.master_key_uri))

    def make_key(self, subject_kind: str, subject_id: UUID) -> DataKey:
        """Makes and wraps a data key for the subject. Its row is in no session: what is written under it can be read
        once somebody adds it to one and commits. Raises StoreUnavailable where a key service does not answer."""
        row = DataKey(
            id=new_id(), master_key_id=self._master.id, subject_kind=subject_kind, subject_id=subject_id
        )
        row.wrapped = self._master.wrap(os.urandom(KEY_SIZE), _context(row))
        return row

    def new_key(self, session: Session, subject_kind: str, subject_id: UUID) -> DataKey:
        """Makes, wraps and adds a data key for the subject; flushes."""
        row = self.make_key(subject_kind, subject_id)
        session.add(row)
        session.flush()
        return row

    def destroy(self, session: Session, data_key: DataKey) -> None:
        """Clears the wrapped key (flushed, not committed). Destroying twice changes nothing."""
        if data_key.wrapped is not None:
            data_key.wrapped, data_key.destroyed_at = None, now()
            session.flush()
        with self._lock:
            self._cache.pop(data_key.id, None)

    def write(self, data_key: DataKey, blob_key: str, source: BinaryIO) -> int:
        """Encrypts all of `source` into the store, atomically; returns the plaintext's length in bytes.

        Raises KeyDestroyed, InvalidKey, StoreUnavailable.
        """
        stored = self.store.put(blob_key, encrypting_stream(self._unwrap(data_key), blob_key, source))
        return Layout(stored, CHUNK_SIZE).plain

    def open(self, data_key: DataKey, blob_key: str, start: int = 0, end: int | None = None) -> PieceReader:
        """Plaintext bytes `[start, end)`, clipped. Close it, or exhaust `.pieces()` (an HTTP response).

        Raises KeyDestroyed, BlobNotFound, StoreUnavailable; IntegrityError here or while reading.
        """
        return decrypt(self.store, self._unwrap(data_key), blob_key, start, end)

    def fetch(self, data_key: DataKey, blob_key: str, target: Path, check: Callable[[], None]) -> None:
        """Decrypts a whole object into the file `target`, for its owner alone. `check` is called now and then and may
        raise to stop. Raises what `open` raises."""
        with self.open(data_key, blob_key) as stored, target.open("wb") as file:
            target.chmod(0o600)
            while data := stored.read(READ_SIZE):
                check()
                file.write(data)

    def size(self, data_key: DataKey, blob_key: str) -> int:
        """Length of the plaintext in bytes. Raises KeyDestroyed, BlobNotFound, IntegrityError."""
        self._wrapped(data_key)
        return plain_size(self.store, blob_key)

    def delete(self, blob_key: str) -> None:
        """Removes the object and its earlier versions; nothing there is no error."""
        self.store.delete(blob_key)

    def purge(self, prefix: str) -> int:
        """Removes everything below a prefix, earlier versions and unfinished uploads too; how many versions."""
        return self.store.purge(prefix)

    def _wrapped(self, data_key: DataKey) -> bytes:
        if data_key.wrapped is None:
            raise KeyDestroyed
        return data_key.wrapped

    def _unwrap(self, data_key: DataKey) -> bytes:
        wrapped = self._wrapped(data_key)
        with self._lock:
            plain, until = self._cache.get(data_key.id, (b"", 0.0))
        if time.monotonic() < until:
            return plain
        plain = self._master.unwrap(wrapped, _context(data_key))
        with self._lock:
            self._cache[data_key.id] = (plain, time.monotonic() + CACHE_SECONDS)
            self._cache.move_to_end(data_key.id)
            while len(self._cache) > CACHE_KEYS:
                self._cache.popitem(last=False)
        return plain


def _context(row: DataKey) -> dict[str, str]:
    """Binds a wrapped key to its subject: one recording's key cannot be moved to another's row."""
    return {"subject_kind": row.subject_kind, "subject_id": str(row.subject_id)}
