"""`cordon verify`: judges a directory offline, from the pinned root down to the last byte of each file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.client.errors import ClientError
from app.client.store import OWN, LocalSource, Store
from app.manifest.errors import ManifestError
from app.manifest.listing import FileEntry, parse_manifest
from app.manifest.release import Release, parse_release
from app.manifest.verify import TrustedRepository, check_manifest, check_release, open_repository

_WORKERS = 4


@dataclass(frozen=True)
class VerifyReport:
    """What was found, paths sorted: `tampered` have other bytes, `missing` none, `extra` are of no release."""

    release: Release
    fingerprint: str
    files: int
    bytes: int
    tampered: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not (self.tampered or self.missing or self.extra)


def verify_directory(
    directory: Path,
    at: datetime,
    *,
    fingerprint: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> VerifyReport:
    """Verifies metadata as of `at` and every file's SHA-256, without any network.

    Raises ClientError when the metadata itself cannot be trusted; faults of files are in the report.
    """
    store = Store(directory)
    pin = store.load_pin()
    if pin is None:
        raise ClientError(f"{directory} holds no release: 'cordon pull' makes such a directory")
    if fingerprint is not None:
        pin.demand(fingerprint)
    try:
        repository = open_repository(LocalSource(store), pin.root, at)
        release, entries = _entries(store, repository)
    except ManifestError as error:
        raise ClientError(f"refused: {error}") from error
    missing = [entry.path for entry in entries if not store.path_of(entry).is_file()]
    present = [entry for entry in entries if entry.path not in set(missing)]
    with ThreadPoolExecutor(_WORKERS) as pool:
        results = pool.map(lambda entry: _is_right(store.path_of(entry), entry, progress), present)
        tampered = [entry.path for entry, right in zip(present, results, strict=True) if not right]
    known = {entry.path for entry in entries}
    extra = [path for path in _files(directory) if path not in known]
    return VerifyReport(
        release,
        pin.fingerprint,
        len(entries),
        sum(entry.length for entry in entries),
        tuple(sorted(tampered)),
        tuple(sorted(missing)),
        tuple(sorted(extra)),
    )


def _entries(store: Store, repository: TrustedRepository) -> tuple[Release, list[FileEntry]]:
    """Every file that the release must hold. The covers are read only if they are as people signed them."""
    covers = [repository.release_entry(name) for name in ("release.json", "manifest.jsonl")]
    documents = []
    for entry in covers:
        try:
            data = store.path_of(entry).read_bytes()
        except OSError as error:
            raise ClientError(f"{entry.path} is missing: 'cordon pull' brings it back") from error
        if FileEntry.of_bytes(entry.path, data) != entry:
            raise ClientError(f"{entry.path} was tampered with: 'cordon pull' brings it back")
        documents.append(data)
    release, manifest = parse_release(documents[0]), parse_manifest(documents[1])
    check_release(repository, release)
    check_manifest(repository, manifest)
    return release, [*covers, *manifest]


def _is_right(path: Path, entry: FileEntry, progress: Callable[[int], None] | None) -> bool:
    with path.open("rb") as file:
        right = (
            path.stat().st_size == entry.length
            and hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
        )
    if progress is not None:
        progress(entry.length)
    return right


def _files(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        relative = path.relative_to(directory)
        if relative.parts[0] != OWN and not path.is_dir():
            yield relative.as_posix()
