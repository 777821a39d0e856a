"""An account for initdb, which wants its user id to have a name; the server itself does not.

Root's clusters belong to a numeric id without an account, and a container may run its user under any number. The
first borrows the account `nobody` while initdb runs, the second a user namespace in which its id has that name.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.errors import EmbeddedPostgresError
from app.embedded.places import Places, give

BORROWED = "nobody"
CLONE_NEWUSER = 0x10000000  # unshare(2)
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None  # loaded before any fork


@contextmanager
def lent_account(places: Places, staging: Path) -> Iterator[int | None]:
    """As root, lends `staging` to `nobody` and gives it to the cluster's owner afterwards; else does nothing."""
    if places.uid is None:
        yield None
        return
    lent = _borrowed_uid()
    places.base.chmod(0o711)  # for as long as initdb runs; what is inside stays 0700
    try:
        give(staging, lent)
        yield lent
        give(staging, places.uid)
    finally:
        places.base.chmod(0o700)


def naming_namespace() -> Callable[[], None] | None:
    """A `preexec_fn` that names a caller without an account; None when the caller has one."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        lent = _borrowed_uid()
    else:
        return None

    def enter() -> None:
        if _LIBC is None or _LIBC.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "no user namespace")
        Path("/proc/self/setgroups").write_text("deny")  # user_namespaces(7): before gid_map
        Path("/proc/self/uid_map").write_text(f"{lent} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")

    return enter


def _borrowed_uid() -> int:
    try:
        return pwd.getpwnam(BORROWED).pw_uid
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL needs an account and there is no {BORROWED!r} here: run as a user that has one"
        ) from None
