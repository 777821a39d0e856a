"""Directories of running jobs, removed with the job, or by the next one when their worker died.

Each is held by an advisory lock that the kernel gives up when its process ends, however it ends: a directory whose
lock can be taken belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = ".lock"


@contextmanager
def job_directory(work_dir: Path) -> Iterator[Path]:
    """A new private directory in `work_dir`, removed at the end; plaintext footage lies
    nowhere else, but for `originals`."""
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_abandoned(work_dir)
    with only_one(work_dir):
        directory = Path(tempfile.mkdtemp(prefix="job-", dir=work_dir))
        lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
        os.close(lock)


def remove_abandoned(work_dir: Path) -> int:
    """Removes the directories of dead workers; how many."""
    if not work_dir.is_dir():
        return 0
    removed = 0
    with only_one(work_dir):
        for directory in work_dir.glob("job-*"):
            if _abandoned(directory):
                shutil.rmtree(directory, ignore_errors=True)
                removed += 1
    return removed


def _abandoned(directory: Path) -> bool:
    try:
        lock = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True  # killed between making the directory and its lock, which nobody else does meanwhile
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True


@contextmanager
def only_one(work_dir: Path) -> Iterator[None]:
    """One process at a time makes or removes directories here."""
    descriptor = os.open(work_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
