"""Where a cluster keeps its files, and as whom it runs.

An unprivileged user's cluster lies in the home of the service. Root's lies under /var/lib (else /var/tmp), in a
directory owned by a numeric user id that no account has; the home records which, so that a new home never meets
an old home's cluster.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedPostgresError

SOCKET_NAME = ".s.PGSQL.5432"
SUN_PATH_BYTES = 107  # sockaddr_un.sun_path holds 108 with its terminator, unix(7)
SYSTEM_BASES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - directories made inside are 0700 and checked
DYNAMIC_UIDS = range(61184, 65520)  # systemd's range for users without an account: never given to a person


@dataclass(frozen=True, slots=True)
class Places:
    """One cluster's paths. `private` is the caller's own (passwords, locks, log); `base` the server's."""

    private: Path
    base: Path
    socket_dir: Path
    uid: int | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory, 0700."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """What the server last said."""
        return self.private / "postgres.log"


def places_for(home: Path, *, create: bool) -> Places:
    """Finds (or makes) the directories. Raises EmbeddedPostgresError when they cannot be had safely."""
    private = home / "postgres"
    if create:
        private_dir(private)
    if os.geteuid() != 0:
        return Places(private, private, _socket_dir(private / "run", create=create), None)
    base = _root_base(private, create=create)
    uid = base.lstat().st_uid if base.exists() else None
    return Places(private, base, base / "run", uid)


def _root_base(private: Path, *, create: bool) -> Path:
    record = private / "location"
    if record.is_file():
        base = Path(record.read_text().strip())
        if base.is_dir() or not create:
            return base
        raise EmbeddedPostgresError(
            f"the database of this home is gone from {base}: restore it or remove {private}"
        )
    if not create:
        raise EmbeddedPostgresError(f"no database in {private.parent} yet: run 'cordon init' first")
    parent = next((p for p in SYSTEM_BASES if os.access(p, os.W_OK | os.X_OK)), None)
    if parent is None:
        raise EmbeddedPostgresError("neither /var/lib nor /var/tmp can be written: set CORDON_DATABASE_URL")
    base = parent / f"cordon-{secrets.token_hex(6)}"
    base.mkdir(mode=0o700)
    uid = _free_uid(base)
    try:
        os.chown(base, uid, uid)
    except OSError:
        base.rmdir()
        raise EmbeddedPostgresError(
            f"root may not use the user id {uid} here and PostgreSQL refuses root: "
            "run as an unprivileged user, or set CORDON_DATABASE_URL"
        ) from None
    record.write_text(f"{base}\n")
    return base


def _free_uid(base: Path) -> int:
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    start = int.from_bytes(hashlib.sha256(os.fsencode(base)).digest()[:4], "big") % len(DYNAMIC_UIDS)
    order = [*DYNAMIC_UIDS[start:], *DYNAMIC_UIDS[:start]]
    free: int = next(uid for uid in order if uid not in taken)
    return free


def _socket_dir(wanted: Path, *, create: bool) -> Path:
    """`wanted`, or a short private directory when the socket's path would not fit or needs quoting."""
    fits = len(os.fsencode(wanted / SOCKET_NAME)) <= SUN_PATH_BYTES
    if not fits or set(str(wanted)) & set("\"',\\\n"):
        digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        wanted = Path("/tmp") / f"cordon-{os.geteuid()}-{digest}"  # noqa: S108 - 0700 and checked below
    if create:
        private_dir(wanted)
    return wanted


def private_dir(path: Path) -> None:
    """Makes `path` 0700, or checks that the one there is ours alone and no symbolic link."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot make {path}: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise EmbeddedPostgresError(
            f"{path} belongs to another user: set CORDON_HOME to a directory of your own"
        )
    if status.st_mode & 0o077:
        path.chmod(0o700)


def private_file(path: Path, text: str) -> None:
    """Writes a 0600 file in one step, so that a crash leaves the old content or the new."""
    handle, name = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def give(root: Path, uid: int) -> None:
    """Hands a tree to another user, following no symbolic link."""
    os.lchown(root, uid, uid)
    for directory, folders, files in os.walk(root):
        for name in (*folders, *files):
            os.lchown(Path(directory) / name, uid, uid)
