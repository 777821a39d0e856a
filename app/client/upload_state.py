"""What the uploader remembers between runs: which upload on the server a file's bytes belong to.

One small file for each upload, in the user's state folder, named by a digest of server, exercise, path, size and
time of change: a file that was edited since starts anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path


class UploadState:
    """The folder of remembered uploads of one server and exercise."""

    def __init__(self, server: str, exercise: str, directory: Path | None = None) -> None:
        self._scope = [server, exercise]
        self._directory = directory or _state_home() / "cordon" / "uploads"

    def location(self, path: Path) -> str | None:
        """The path of the upload on the server, if a run before began it."""
        try:
            return str(json.loads(self._file(path).read_text())["location"])
        except (OSError, ValueError, KeyError):
            return None

    def remember(self, path: Path, location: str) -> None:
        """Keeps the location, whatever happens to this process next."""
        file = self._file(path)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({"location": location, "file": str(path)}))
        fresh.replace(file)

    def forget(self, path: Path) -> None:
        """The upload is whole, or gone."""
        with contextlib.suppress(FileNotFoundError):
            self._file(path).unlink()

    def _file(self, path: Path) -> Path:
        facts = path.stat()
        key = [*self._scope, str(path.resolve()), facts.st_size, facts.st_mtime_ns]
        return self._directory / (hashlib.sha256(json.dumps(key).encode()).hexdigest() + ".json")


def _state_home() -> Path:
    given = os.environ.get("XDG_STATE_HOME")
    return Path(given) if given else Path.home() / ".local" / "state"
