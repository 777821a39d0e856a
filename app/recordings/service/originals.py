"""Decrypted originals of recordings in the works, one on a machine however many of its jobs read it.

A file is held by a shared lock while a job reads it, and written under an exclusive one. What nobody holds is removed
when its recording has no more work for this machine, when nobody took it up for a while, or when a few others were
taken up since.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from app.recordings.service.jobdirs import LOCK_NAME, only_one
from app.storage.models import DataKey
from app.storage.vault import Vault

IDLE_SECONDS = 300.0
MOST_IDLE = 3  # decrypted footage that nobody reads, however long the backlog
_WAIT_SECONDS = 0.1
_NAME = "original"


@contextmanager
def hold_original(
    work_dir: Path, vault: Vault, key: DataKey, recording_id: UUID, blob_key: str, check: Callable[[], None]
) -> Iterator[Path]:
    """The recording's original as a file that stays until the block ends. `check` may raise to stop waiting.

    Raises IntegrityError, StoreUnavailable, OSError where the disk is full.
    """
    folder = work_dir / f"{_NAME}-{recording_id}"
    lock = _open_lock(work_dir, folder)
    try:
        _lock(lock, fcntl.LOCK_SH, check)
        if not (folder / _NAME).exists():
            _lock(lock, fcntl.LOCK_EX, check)
            if not (folder / _NAME).exists():
                _decrypt(vault, key, blob_key, folder, check)
            _lock(lock, fcntl.LOCK_SH, check)
        yield folder / _NAME
    finally:
        # closing would not do: a tool that another thread is just starting has a copy of the descriptor until its exec
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


def remove_idle(work_dir: Path, recording_id: UUID | None = None, idle: float = IDLE_SECONDS) -> None:
    """Removes originals that nobody holds: that recording's at once, others that nobody took up for `idle` seconds,
    and of the rest all but the MOST_IDLE that were taken up last."""
    if not work_dir.is_dir():
        return
    with only_one(work_dir):
        ages = {folder: time.time() - folder.stat().st_mtime for folder in work_dir.glob(f"{_NAME}-*")}
        kept = 0
        for folder in sorted(ages, key=ages.__getitem__):
            named = recording_id is not None and folder.name == f"{_NAME}-{recording_id}"
            with _unheld(folder) as unheld:
                if unheld and (named or ages[folder] >= idle or kept >= MOST_IDLE):
                    shutil.rmtree(folder)
                elif unheld:
                    kept += 1


@contextmanager
def _unheld(folder: Path) -> Iterator[bool]:
    """Whether nobody holds it; then nobody can until the block ends."""
    lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unheld = True
    except BlockingIOError:
        unheld = False
    try:
        yield unheld
    finally:
        if unheld:
            fcntl.flock(lock, fcntl.LOCK_UN)  # as in `hold_original`
        os.close(lock)


def _open_lock(work_dir: Path, folder: Path) -> int:
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with only_one(work_dir):  # nobody removes the folder between its making and the lock
        folder.mkdir(mode=0o700, exist_ok=True)
        os.utime(folder)
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(BlockingIOError):  # whoever writes it now keeps it from being removed
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return lock


def _lock(lock: int, kind: int, check: Callable[[], None]) -> None:
    while True:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            check()
            time.sleep(_WAIT_SECONDS)


def _decrypt(vault: Vault, key: DataKey, blob_key: str, folder: Path, check: Callable[[], None]) -> None:
    """Writes beside and renames: a file of that name is whole. A full disk gets back what was written."""
    partial = folder / "partial"
    try:
        vault.fetch(key, blob_key, partial, check)
        partial.rename(folder / _NAME)
    finally:
        partial.unlink(missing_ok=True)
