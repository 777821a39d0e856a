"""Fetches a release's files: in parallel, resumable, hashed while written, and in place only when right."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO

import requests
from urllib3.exceptions import HTTPError

from app.client.errors import ClientError
from app.client.files import publish
from app.client.http import ApiSession
from app.client.metadata import targets_path
from app.client.problems import problem_error
from app.client.store import State, Store
from app.manifest.listing import FileEntry

_CHUNK = 1 << 20
_STALLS = 4  # attempts in a row that bring no byte

Progress = Callable[[int], None]
"""Called with the number of bytes that have just arrived (negative when some were thrown away)."""


class Downloader:
    """Brings files of one collection into a store; `fetched` counts bytes from the network, `requests` requests."""

    def __init__(self, session: ApiSession, collection: str, store: Store, progress: Progress) -> None:
        self._session = session
        self._base = targets_path(collection)
        self._store = store
        self._progress = progress
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.fetched = 0
        self.requests = 0

    def fetch_all(self, entries: Sequence[FileEntry], state: State, workers: int) -> None:
        """Fetches each entry and records it. The first failure stops the rest; what is complete stays."""
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures = [pool.submit(self._fetch_recorded, entry, state) for entry in entries]
            try:
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)

    def _fetch_recorded(self, entry: FileEntry, state: State) -> None:
        self.fetch(entry)
        with self._lock:
            self._store.record(entry, state)

    def fetch(self, entry: FileEntry) -> None:
        """Leaves the verified file at its path. Raises ClientError; a file that is not right is never left there."""
        partial = self._store.partial_of(entry)
        if not self._complete(entry, partial):
            # Bytes from before this run may be what is wrong: one clean attempt decides.
            partial.unlink(missing_ok=True)
            if not self._complete(entry, partial):
                partial.unlink(missing_ok=True)
                raise ClientError(f"refused: {entry.path} is not the file that was signed (wrong SHA-256)")
        path = self._store.path_of(entry)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        publish(partial, path)

    def _complete(self, entry: FileEntry, partial: Path) -> bool:
        """Fills the partial file up. False when all bytes are there and the hash is wrong."""
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            if file.tell() > entry.length:
                return False
            self._progress(file.tell())
            stalls = 0
            while file.tell() < entry.length:
                before = file.tell()
                digest = self._receive(entry, file, digest)
                stalls = stalls + 1 if file.tell() <= before else 0
                if stalls == _STALLS:
                    raise ClientError(
                        f"{entry.path} broke off at {file.tell()} of {entry.length} bytes: pull again"
                    )
            file.flush()
            os.fsync(file.fileno())
            if digest.hexdigest() == entry.sha256:
                return True
            self._progress(-file.tell())
            return False

    def _receive(self, entry: FileEntry, file: BinaryIO, digest: hashlib._Hash) -> hashlib._Hash:
        """Appends what one request brings; returns the digest of all that the file then holds."""
        offset = file.tell()
        response = self._request(entry, offset)
        with response:
            if offset and response.status_code != 206:  # the server does not resume: all over again
                self._progress(-offset)
                file.seek(0)
                file.truncate()
                digest = hashlib.sha256()
            try:
                # read1 hands over what has arrived; iter_content would drop up to a chunk when the line breaks
                while chunk := response.raw.read1(_CHUNK, decode_content=False):
                    self._append(entry, file, digest, chunk)
            except HTTPError:
                file.flush()  # what came is kept; the caller asks for the rest
        return digest

    def _append(self, entry: FileEntry, file: BinaryIO, digest: hashlib._Hash, chunk: bytes) -> None:
        if self._stop.is_set():
            raise ClientError("stopped")
        if file.tell() + len(chunk) > entry.length:
            raise ClientError(
                f"refused: {entry.path} is longer than the {entry.length} bytes that were signed"
            )
        file.write(chunk)
        digest.update(chunk)
        with self._lock:
            self.fetched += len(chunk)
        self._progress(len(chunk))

    def _request(self, entry: FileEntry, offset: int) -> requests.Response:
        with self._lock:
            self.requests += 1
        parent, _, name = entry.path.rpartition("/")
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        url = f"{self._base}{parent}/{entry.sha256}.{name}"
        response = self._session.send("GET", url, headers=headers, stream=True)
        if response.ok and self._starts_at(response, offset):
            return response
        with response:
            error = problem_error(response)
            raise ClientError(f"{entry.path} cannot be fetched: {error}", error.status)

    @staticmethod
    def _starts_at(response: requests.Response, offset: int) -> bool:
        """A 206 must begin where the file ends; a 200 is the whole."""
        if response.status_code != 206:
            return True
        return response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
