"""The officer's uploader: tus 1.0.0, resumable across runs, hashing while it reads.

The whole file's SHA-256 is known only when its last bytes are read, so it is declared
(`POST /api/v1/uploads/{id}/digest`) just before they are sent: the server never has every byte without knowing what
they must hash to, and no file is read twice. A resumed upload reads again what was sent before, to hash it.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.client.direct import DIRECT, DirectSender
from app.client.errors import ClientError
from app.client.footage import Candidate
from app.client.http import ApiSession
from app.client.upload_state import UploadState

UPLOADS = "/api/v1/uploads"
CHUNK = 32 * 2**20
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = TUS | {"Content-Type": "application/offset+octet-stream"}
PASSING = (None, 408, 409, 423, 429, 500, 502, 503, 504)  # None: no answer at all
GONE = (404, 410)
MAX_FAILURES = 8
LONGEST_PAUSE = 30.0
POLL_SECONDS = 1.0

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    `state`: skipped, failed (never arrived), received (every byte arrived), duplicate, rejected, recorded, ready.
    """

    path: Path
    state: str
    size: int = 0
    reason: str = ""
    upload_id: str | None = None
    recording_id: str | None = None
    sha256: str | None = None

    @property
    def good(self) -> bool:
        """False for what the officer must do something about."""
        return self.state not in ("failed", "rejected")


class Uploader:
    """Sends files into one exercise. `pause` sleeps; tests make it quick."""

    def __init__(
        self,
        api: ApiSession,
        exercise: str,
        state: UploadState,
        *,
        on_bytes: OnBytes = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
        chunk: int = CHUNK,
        direct: DirectSender | None = None,
    ) -> None:
        self._api = api
        self._exercise = exercise
        self._state = state
        self._on_bytes = on_bytes
        self._pause = pause
        self._chunk = chunk
        self._direct = direct

    def send_all(self, files: Iterable[Candidate], *, workers: int, wait: bool) -> list[Outcome]:
        """Sends every file, `workers` at a time; outcomes in the order of `files`. One file's failure is its own."""
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="upload") as pool:
            return list(pool.map(lambda file: self._send_one(file, wait=wait), files))

    def _send_one(self, file: Candidate, *, wait: bool) -> Outcome:
        if file.skipped:
            return Outcome(file.path, "skipped", file.size, file.skipped)
        try:
            outcome = self.send(file)
            return self.follow(outcome) if wait else outcome
        except ClientError as error:
            return Outcome(file.path, "failed", file.size, str(error))
        except OSError as error:
            return Outcome(file.path, "failed", file.size, f"cannot be read: {error.strerror}")

    def send(self, file: Candidate) -> Outcome:
        """Sends one file to its last byte. Raises ClientError, OSError."""
        if self._direct is not None:
            sent = self._direct.send(file.path, file.media_type)
            self._state.forget(file.path)
            return Outcome(file.path, "received", sent.size, upload_id=sent.upload_id, sha256=sent.sha256)
        before = file.path.stat()
        location, offset = self._resume(file) or self._create(file)
        self._on_bytes(offset)
        digest = hashlib.sha256()
        with file.path.open("rb") as source:
            place = 0
            while place < file.size:
                chunk = source.read(self._chunk if place >= offset else min(self._chunk, offset - place))
                if not chunk:
                    raise ClientError(f"{file.path.name} became shorter while it was sent")
                digest.update(chunk)
                place += len(chunk)
                if place == file.size and offset < place:
                    after = file.path.stat()
                    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                        raise ClientError(f"{file.path.name} changed while it was sent: send it again")
                    self._api.post_json(f"{location}/digest", {"sha256": digest.hexdigest()})
                if offset < place:
                    offset = self._send_chunk(location, chunk, place - len(chunk), offset)
        self._state.forget(file.path)
        upload_id = location.rpartition("/")[2]
        return Outcome(file.path, "received", file.size, upload_id=upload_id, sha256=digest.hexdigest())

    def _resume(self, file: Candidate) -> tuple[str, int] | None:
        location = self._state.location(file.path)
        if location is None or location.startswith(f"{DIRECT}/"):
            return None
        try:
            return location, self._offset(location)
        except ClientError as error:
            if error.status not in GONE:
                raise
            self._state.forget(file.path)
            return None

    def _create(self, file: Candidate) -> tuple[str, int]:
        said = {"filename": file.path.name, "filetype": file.media_type, "exercise": self._exercise}
        pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        headers = TUS | {"Upload-Length": str(file.size), "Upload-Metadata": ",".join(pairs)}
        answer = self._api.request("POST", UPLOADS, headers=headers)
        location = urlsplit(answer.headers.get("Location", "")).path
        if not location.startswith(f"{UPLOADS}/"):
            raise ClientError("the service named no upload: is this the right server?")
        self._state.remember(file.path, location)
        return location, 0

    def _send_chunk(self, location: str, chunk: bytes, start: int, offset: int) -> int:
        """Sends what the server lacks of the chunk that begins at `start`; goes on after every passing fault.
        Returns the chunk's end."""
        end, failures = start + len(chunk), 0
        while offset < end:
            try:
                answer = self._api.request(
                    "PATCH",
                    location,
                    data=memoryview(chunk)[offset - start :].tobytes(),
                    headers=BYTES | {"Upload-Offset": str(offset)},
                )
                reached = int(answer.headers["Upload-Offset"])
            except ClientError as error:
                failures += 1
                if error.status not in PASSING or failures >= MAX_FAILURES:
                    raise
                self._pause(min(0.5 * 2**failures, LONGEST_PAUSE))
                reached = self._offset_when_back(location, offset)
            if not max(start, offset) <= reached <= end:
                raise ClientError("the service lost its place in this upload: start it again")
            if reached > offset:
                failures = 0
                self._on_bytes(reached - offset)
            offset = reached
        return offset

    def _offset_when_back(self, location: str, offset: int) -> int:
        """The server's offset, or what we know of it while the server is away: the next PATCH will tell."""
        try:
            return self._offset(location)
        except ClientError as error:
            if error.status not in PASSING:
                raise
            return offset

    def _offset(self, location: str) -> int:
        return int(self._api.request("HEAD", location, headers=TUS).headers["Upload-Offset"])

    def follow(self, outcome: Outcome) -> Outcome:
        """Waits until the upload is a ready recording, or was rejected; whoever interrupts this stops only waiting."""
        while True:
            upload: dict[str, Any] = self._api.get_json(f"{UPLOADS}/{outcome.upload_id}/status")
            found = replace(outcome, recording_id=upload["recording_id"])
            if upload["state"] == "rejected":
                state = "duplicate" if upload["reason_code"] == "duplicate" else "rejected"
                return replace(found, state=state, reason=upload["reason"] or "")
            if upload["state"] == "recorded":
                recording = self._api.get_json(f"/api/v1/recordings/{upload['recording_id']}")
                if recording["state"] != "processing":
                    return replace(found, state=recording["state"], reason=recording["reason"] or "")
            self._pause(POLL_SECONDS)
