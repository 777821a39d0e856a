"""`cordon pull`: from a pinned root to a verified copy of the collection's current release.

Refresh (TUF) → release.json and manifest, signed by people → manifest = bins → the missing files → what an older
release held and this one does not is removed. Nothing unverified ever stands at its final path.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.client.download import Downloader
from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.metadata import check_collection, first_root, refresh
from app.client.store import Pin, State, Store
from app.manifest.errors import ManifestError
from app.manifest.listing import FileEntry, parse_manifest
from app.manifest.release import Release, parse_release
from app.manifest.verify import TrustedRepository, check_manifest, check_release


@dataclass(frozen=True)
class PinChoice:
    """What the user gave to pin the root: a file, a fingerprint, both or (after the first pull) neither."""

    root: Path | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class PullPlan:
    """What a pull will do, known once the manifest is verified: bytes still to come of all the release's bytes."""

    release: Release
    missing: tuple[FileEntry, ...]


@dataclass(frozen=True)
class PullResult:
    """What a pull did. `requests` are those to the repository; a token is one more."""

    release: Release
    fingerprint: str
    files: int
    fetched_files: int
    fetched_bytes: int
    removed: tuple[str, ...]
    requests: int

    @property
    def unchanged(self) -> bool:
        return not self.fetched_files and not self.removed


class Observer:
    """Hears how a pull goes; the command's progress bar derives from it."""

    def planned(self, plan: PullPlan) -> None:
        """Called once, before the shards are fetched."""

    def arrived(self, count: int) -> None:
        """Called from any thread with the bytes that have just arrived."""


def pull(
    session: ApiSession,
    collection: str,
    directory: Path,
    choice: PinChoice,
    *,
    workers: int = 4,
    observer: Observer | None = None,
) -> PullResult:
    """Makes `directory` the collection's current release. Raises ClientError in one line; a rerun goes on."""
    observer = observer or Observer()
    check_collection(collection)
    store = Store(directory)
    store.create()
    with store.lock():
        pin = _pin(session, collection, store, choice)
        state = store.load_state()
        if state.collection not in ("", collection):
            raise ClientError(f"{directory} holds the collection {state.collection!r}: give another --dir")
        state.collection = collection
        repository, requests = refresh(session, collection, store, pin)
        run = _Run(store, state, Downloader(session, collection, store, observer.arrived), workers)
        try:
            release, wanted, fetched = run.bring(repository, collection, observer)
        finally:
            store.save_state(state)
        removed = store.remove_superseded(wanted, state)
        store.clear_partial()
        state.release_id = release.release_id
        store.save_state(state)
    loader = run.downloader
    return PullResult(
        release,
        pin.fingerprint,
        len(wanted),
        fetched,
        loader.fetched,
        tuple(removed),
        requests + loader.requests,
    )


def _pin(session: ApiSession, collection: str, store: Store, choice: PinChoice) -> Pin:
    """The directory's pin; at the first pull, what the user gave. Raises ClientError when the two differ."""
    pin = store.load_pin()
    if pin is None:
        if choice.root is not None:
            pin = _pin_of_file(choice.root)
        elif choice.fingerprint is not None:
            pin = first_root(session, collection, choice.fingerprint)
        else:
            raise ClientError(
                "the first pull pins the root: give --fingerprint (it is on the agreement) or --root FILE"
            )
        if choice.fingerprint is not None:
            pin.demand(choice.fingerprint)
        store.save_pin(pin)
        return pin
    if choice.fingerprint is not None:
        pin.demand(choice.fingerprint)
    if choice.root is not None:
        pin.demand(_pin_of_file(choice.root).fingerprint)
    return pin


def _pin_of_file(path: Path) -> Pin:
    try:
        return Pin.of_root(path.read_bytes())
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error


@dataclass
class _Run:
    store: Store
    state: State
    downloader: Downloader
    workers: int

    def bring(
        self, repository: TrustedRepository, collection: str, observer: Observer
    ) -> tuple[Release, dict[str, FileEntry], int]:
        """The release, all its files by path, and how many had to be fetched."""
        covers = [repository.release_entry(name) for name in ("release.json", "manifest.jsonl")]
        fetched = self._ensure(covers)
        try:
            release = parse_release(self.store.path_of(covers[0]).read_bytes())
            check_release(repository, release, collection)
            manifest = parse_manifest(self.store.path_of(covers[1]).read_bytes())
            check_manifest(repository, manifest)
        except ManifestError as error:
            self.store.forget_delegated()
            raise ClientError(f"refused: {error}") from error
        missing = self._missing(manifest)
        observer.planned(PullPlan(release, missing))
        self.downloader.fetch_all(missing, self.state, self.workers)
        wanted = {entry.path: entry for entry in (*covers, *manifest)}
        return release, wanted, fetched + len(missing)

    def _ensure(self, entries: list[FileEntry]) -> int:
        missing = self._missing(entries)
        for entry in missing:
            self.downloader.fetch(entry)
            self.store.record(entry, self.state)
        return len(missing)

    def _missing(self, entries: list[FileEntry] | tuple[FileEntry, ...]) -> tuple[FileEntry, ...]:
        return tuple(entry for entry in entries if not self._present(entry))

    def _present(self, entry: FileEntry) -> bool:
        """Whether the right file is there already; one that was changed since it was verified is hashed again."""
        if self.store.is_unchanged(entry, self.state):
            return True
        path = self.store.path_of(entry)
        if not path.is_file() or path.stat().st_size != entry.length:
            return False
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                return False
        self.store.record(entry, self.state)
        return True
