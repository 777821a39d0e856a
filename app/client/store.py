"""A partner's directory of one collection: the release's files, and our own state under `.cordon/`.

DIR/shards/000000.tar …            the shards, at their target paths
DIR/releases/<id>/release.json …   the release's own files
DIR/.cordon/pin.json               the pinned root, never replaced
DIR/.cordon/metadata/              TUF metadata, as python-tuf's client keeps it
DIR/.cordon/partial/               downloads that are not finished
DIR/.cordon/state.json             which files were verified, and their stat when they were
"""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote

from app.client.errors import ClientError
from app.client.files import write_private
from app.manifest.errors import VerificationError
from app.manifest.listing import FileEntry
from app.manifest.roles import BIN, HEAD, WITHDRAWALS
from app.manifest.root import fingerprint, parse_root, repo_id_of

OWN = ".cordon"


@dataclass(frozen=True)
class Pin:
    """The root that was agreed out of band, and what follows from it."""

    root: bytes
    repo_id: str
    fingerprint: str

    @classmethod
    def of_root(cls, data: bytes) -> Pin:
        """Raises ClientError unless `data` is a properly signed root of a collection."""
        try:
            root = parse_root(data)
        except VerificationError as error:
            raise ClientError(f"the pinned root cannot be used: {error}") from error
        return cls(data, repo_id_of(root), fingerprint(root))

    def demand(self, wanted: str) -> None:
        """Raises ClientError unless the pin has the fingerprint `wanted`."""
        if self.fingerprint != normalise_fingerprint(wanted):
            raise ClientError(
                f"the root has the fingerprint {self.fingerprint}, not the agreed {wanted}: nothing was accepted"
            )


def normalise_fingerprint(text: str) -> str:
    """64 lower-case hex digits; colons and spaces are let pass. Raises ClientError for anything else."""
    digits = re.sub(r"[\s:]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise ClientError("a root's fingerprint is 64 hex digits")
    return digits


@dataclass
class State:
    """What the last pull left: the release, and for each verified file (sha256, size, mtime in ns)."""

    collection: str = ""
    release_id: str = ""
    files: dict[str, tuple[str, int, int]] = field(default_factory=dict)


class Store:
    """One such directory. Everything in it is for its owner alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own = directory / OWN
        self.metadata = self.own / "metadata"
        self.partial = self.own / "partial"
        self._state = self.own / "state.json"
        self._pin = self.own / "pin.json"

    def create(self) -> None:
        for path in (self.directory, self.own, self.metadata, self.partial):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the directory alone. Raises ClientError when another pull has it."""
        with (self.own / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ClientError(f"another cordon is pulling into {self.directory}: wait for it") from None
            yield

    def load_pin(self) -> Pin | None:
        return Pin.of_root(self._pin.read_bytes()) if self._pin.is_file() else None

    def save_pin(self, pin: Pin) -> None:
        write_private(self._pin, pin.root)

    def load_state(self) -> State:
        """The last pull's state; an unreadable one counts as none, and every file is hashed again."""
        try:
            document = json.loads(self._state.read_bytes())
            files = {path: (str(s), int(n), int(t)) for path, (s, n, t) in document["files"].items()}
            return State(str(document["collection"]), str(document["release_id"]), files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return State()

    def save_state(self, state: State) -> None:
        write_private(self._state, json.dumps(asdict(state), sort_keys=True).encode())

    def path_of(self, entry: FileEntry) -> Path:
        return self.directory / entry.path

    def partial_of(self, entry: FileEntry) -> Path:
        return self.partial / f"{quote(entry.path, '')}.{entry.sha256[:16]}"

    def is_unchanged(self, entry: FileEntry, state: State) -> bool:
        """Whether the file was verified before and its size and modification time are still the same."""
        try:
            stat = self.path_of(entry).stat()
        except OSError:
            return False
        return state.files.get(entry.path) == (entry.sha256, stat.st_size, stat.st_mtime_ns)

    def record(self, entry: FileEntry, state: State) -> None:
        stat = self.path_of(entry).stat()
        state.files[entry.path] = (entry.sha256, stat.st_size, stat.st_mtime_ns)

    def forget_delegated(self) -> None:
        """Drops the delegated roles, so that the next refresh fetches them anew.

        A role that is well signed but refused by our own checks must not stay and be preferred to the right one. No
        protection is lost: the versions of these roles are pinned by the snapshot, which stays.
        """
        for pattern in (f"{HEAD}.json", f"{WITHDRAWALS}.json", f"{BIN}-*.json"):
            for path in self.metadata.glob(pattern):
                path.unlink()

    def clear_partial(self) -> None:
        """Drops unfinished downloads of earlier releases."""
        for path in self.partial.iterdir():
            path.unlink()

    def remove_superseded(self, wanted: Mapping[str, FileEntry], state: State) -> list[str]:
        """Deletes what an earlier pull brought and this release no longer holds; never a file of the user's."""
        gone = sorted(path for path in state.files if path not in wanted)
        for path in gone:
            (self.directory / path).unlink(missing_ok=True)
            del state.files[path]
        return gone


class LocalSource:
    """The stored metadata, for `manifest.verify.open_repository`."""

    def __init__(self, store: Store) -> None:
        self._metadata = store.metadata

    def root(self, version: int) -> bytes | None:
        return _read(self._metadata / "root_history" / f"{version}.root.json")

    def role(self, name: str, _version: int | None) -> bytes | None:
        return _read(self._metadata / f"{quote(name, '')}.json")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
