"""Local disk under kill -9: an object is there whole or not at all, and leftovers go."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.storage.local import UNFINISHED_SECONDS, LocalStore

KILLED_MIDWAY = """
import io, os, signal, sys
from pathlib import Path
from app.storage.local import LocalStore

class Deadly(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 2**21:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(size)

LocalStore(Path(sys.argv[1])).put("a/b", Deadly(bytes(2**23)))
"""


def test_a_kill_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    for before in (None, b"whole"):
        if before is not None:
            store.put("a/b", io.BytesIO(before))
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        ended = subprocess.run([sys.executable, "-c", KILLED_MIDWAY, tmp_path], env=environment, check=False)
        assert ended.returncode == -signal.SIGKILL
        assert list(store.list()) == ([] if before is None else ["a/b"])
    with store.read("a/b") as stream:
        assert stream.read() == b"whole"


def test_old_leftovers_are_discarded_and_fresh_ones_kept(tmp_path: Path) -> None:
    LocalStore(tmp_path).put("a", io.BytesIO(b"x"))
    old, fresh = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "fresh"
    for path in (old, fresh):
        path.write_bytes(b"half")
    past = time.time() - UNFINISHED_SECONDS - 60
    os.utime(old, (past, past))
    LocalStore(tmp_path)
    assert not old.exists()
    assert fresh.exists()
