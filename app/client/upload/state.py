"""What the uploader remembers between runs: which upload on the server a file's bytes belong to, and its SHA-256.

One small file for each, in the user's state folder, named by a digest of server, exercise and what tells the file
from others: its place on the card (not where that is mounted), size, time of change and first bytes. A file that was
edited since starts anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from app.client.errors import ClientError
from app.client.files import write_private
from app.client.upload.cards import place_on_card

_HEAD: Final = 2**16
KEPT_SECONDS: Final = 180 * 86400


@dataclass(frozen=True)
class Remembered:
    """`whole`: the server has every byte. `sha256` is known then."""

    location: str
    whole: bool = False
    sha256: str | None = None


class UploadState:
    """The folder of remembered uploads of one server and exercise, and of digests, which no exercise changes."""

    def __init__(self, server: str, exercise: str, directory: Path | None = None) -> None:
        self._scope = [server, exercise]
        self._directory = directory or _state_home() / "cordon" / "uploads"

    def recall(self, path: Path) -> Remembered | None:
        """The upload that a run before began, or finished."""
        said = _read(self._file(path, self._scope))
        try:
            return Remembered(str(said["location"]), bool(said.get("whole")), said.get("sha256"))
        except KeyError:
            return None

    def digest(self, path: Path) -> str | None:
        """The file's SHA-256, if it was ever read to its end."""
        found = _read(self._file(path, [])).get("sha256")
        return str(found) if found else None

    def remember(self, path: Path, location: str) -> None:
        """Keeps the location, whatever happens to this process, or the machine, next. Raises ClientError."""
        self._write(path, self._scope, asdict(Remembered(location)))

    def finish(self, path: Path, location: str, sha256: str) -> None:
        """The server has every byte: no later run sends them again."""
        self._write(path, self._scope, asdict(Remembered(location, whole=True, sha256=sha256)))
        self._write(path, [], {"sha256": sha256})

    def note_digest(self, path: Path, sha256: str) -> None:
        """Keeps a digest, so that no later run needs to hash the file to ask about it; if nothing can be kept, not."""
        with contextlib.suppress(ClientError, OSError):
            self._write(path, [], {"sha256": sha256})

    def forget(self, path: Path) -> None:
        """The upload is gone."""
        with contextlib.suppress(FileNotFoundError):
            self._file(path, self._scope).unlink()

    @contextmanager
    def hold(self, path: Path) -> Iterator[None]:
        """Keeps the file for this run alone. Raises ClientError while another cordon sends it."""
        lock = self._file(path, self._scope).with_suffix(".lock")
        try:
            self._make_folder()
            with lock.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except BlockingIOError:
            raise ClientError("another 'cordon upload' is sending this file: wait for it") from None

    def prune(self) -> None:
        """Drops what half a year has gone by since: the server keeps no upload open for so long."""
        limit = time.time() - KEPT_SECONDS
        for file in [*self._directory.glob("*.json"), *self._directory.glob("*.lock")]:
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < limit:
                    file.unlink()

    def _write(self, path: Path, scope: list[str], document: dict[str, Any]) -> None:
        file = self._file(path, scope)
        self._make_folder()
        write_private(file, json.dumps(document | {"file": str(path)}).encode())

    def _make_folder(self) -> None:
        """Raises ClientError where nothing could be remembered."""
        folder = self._directory
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(folder, os.W_OK)
        except OSError:
            writable = False
        if not writable:
            raise ClientError(
                f"{folder} cannot be written, so nothing could be resumed: set XDG_STATE_HOME to a folder of yours"
            )

    def _file(self, path: Path, scope: list[str]) -> Path:
        facts = path.stat()
        with path.open("rb") as file:
            head = hashlib.sha256(file.read(_HEAD)).hexdigest()
        key = [*scope, place_on_card(path.resolve()), facts.st_size, facts.st_mtime_ns, head]
        return self._directory / (hashlib.sha256(json.dumps(key).encode()).hexdigest() + ".json")


def _read(file: Path) -> dict[str, Any]:
    """A document of ours; what is damaged or absent counts as not remembered."""
    try:
        document = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _state_home() -> Path:
    given = os.environ.get("XDG_STATE_HOME")
    return Path(given) if given else Path.home() / ".local" / "state"
