"""Sending a file straight into the service's object store: parts in parallel, each by an address of its own.

The service names the size of parts, signs an address for each (it lives five minutes and takes these bytes alone), and
joins them at the end. What the store already holds is read and hashed, and not sent again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, BinaryIO, TypeVar
from uuid import uuid4

import requests

from app.client.errors import ClientError
from app.client.http import ApiSession

T = TypeVar("T")
DIRECT = "/api/v1/uploads/direct"
PASSING = (None, 408, 425, 429, 500, 502, 503, 504)  # None: no answer at all
NOT_TAKEN = (400, 403, *PASSING)  # the store's: damaged on the way, the address too old, or a passing fault
GONE = (404, 410)
WHOLE = ("received", "recorded")
MAX_FAILURES = 8
LONGEST_PAUSE = 30.0
_TIMEOUT = (10, 120)


class _NotTaken(ClientError):
    """The store did not take a part."""


@dataclass(frozen=True)
class Sent:
    """A file whose every byte has arrived. `sha256` is hexadecimal."""

    upload_id: str
    size: int
    sha256: str


@dataclass
class DirectSender:
    """Sends files into one exercise, each `workers` parts at a time, so that it holds as many parts in memory.

    `recall` and `remember` keep which upload a file belongs to between runs; `pause` sleeps, and tests make it quick.
    """

    api: ApiSession
    exercise: str
    workers: int = 4
    on_bytes: Callable[[int], None] = lambda _: None
    recall: Callable[[Path], str | None] = lambda _: None
    remember: Callable[[Path, str], None] = lambda _path, _location: None
    pause: Callable[[float], None] = time.sleep

    def send(self, path: Path, media_type: str = "", sha256: str | None = None) -> Sent:
        """Sends the file to its last byte. With `sha256`, known before, a file that the force holds is refused before
        any byte is sent. Raises ClientError, OSError."""
        before = path.stat()
        transfer = self._open(path, before.st_size, media_type, sha256)
        if transfer.upload["state"] in WHOLE:  # an earlier run ended before it heard so
            return Sent(transfer.upload["id"], before.st_size, transfer.upload["declared_sha256"])
        with path.open("rb") as source:
            digest = transfer.send(source)
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise ClientError(f"{path.name} changed while it was sent: send it again")
        transfer.complete(digest)
        return Sent(transfer.upload["id"], before.st_size, digest)

    def _open(self, path: Path, size: int, media_type: str, sha256: str | None) -> _Transfer:
        begun = self._resume(path)
        if begun is not None:
            return begun
        said = {"exercise_id": self.exercise, "filename": path.name, "length": size}
        said |= {"media_type": media_type} if media_type else {}
        said |= {"sha256": sha256} if sha256 else {}
        key = {"Idempotency-Key": str(uuid4())}  # an answer that got lost opens no second one
        transfer = _Transfer(self, self.call("POST", DIRECT, json=said, headers=key))
        self.remember(path, transfer.location)
        return transfer

    def _resume(self, path: Path) -> _Transfer | None:
        """The transfer that a run before began, if it can be gone on with."""
        location = self.recall(path)
        if location is None or not location.startswith(f"{DIRECT}/"):
            return None
        try:
            upload = self.api.get_json(location)
            if upload["state"] in WHOLE:
                return _Transfer(self, upload)
            parts = self.api.get_pages(f"{location}/parts")
            return _Transfer(self, upload, {part["number"]: part["sha256"] for part in parts})
        except ClientError as error:
            if error.status not in GONE:
                raise
            return None

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The service's JSON; asked again after passing faults."""
        return self.patiently(
            lambda: self.api.request(method, path, **arguments).json(), ClientError, PASSING
        )

    def patiently(
        self, attempt: Callable[[], T], kind: type[ClientError], passing: tuple[int | None, ...]
    ) -> T:
        """What `attempt` returns, tried again with growing pauses after errors of that kind. Raises the last one."""
        failures = 0
        while True:
            try:
                return attempt()
            except kind as error:
                failures += 1
                if error.status not in passing or failures >= MAX_FAILURES:
                    raise
                self.pause(min(0.5 * 2**failures, LONGEST_PAUSE))


@dataclass
class _Transfer:
    """One file on its way."""

    sender: DirectSender
    upload: dict[str, Any]  # as the service tells it
    held: dict[int, str] = field(default_factory=dict)  # digests of parts that the store has, by number

    @property
    def location(self) -> str:
        return f"{DIRECT}/{self.upload['id']}"

    def send(self, source: BinaryIO) -> str:
        """Sends what the store lacks; returns the whole's SHA-256."""
        whole, number, read = hashlib.sha256(), 0, 0
        size, part_size = int(self.upload["length"]), int(self.upload["part_size"])
        room = BoundedSemaphore(self.sender.workers)
        with ThreadPoolExecutor(self.sender.workers, thread_name_prefix="part") as pool:
            waiting: list[Future[None]] = []
            while read < size:
                room.acquire()
                data = source.read(min(part_size, size - read))
                if not data:
                    raise ClientError("the file became shorter while it was sent")
                number, read = number + 1, read + len(data)
                whole.update(data)
                future = pool.submit(self._send_part, number, data)
                future.add_done_callback(lambda _: room.release())
                waiting.append(future)
                _raise_early(waiting)
            for future in waiting:
                future.result()
        return whole.hexdigest()

    def _send_part(self, number: int, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if self.held.get(number) != digest:
            self.sender.patiently(lambda: self._put(number, data, digest), _NotTaken, NOT_TAKEN)
        self.sender.on_bytes(len(data))

    def _put(self, number: int, data: bytes, digest: str) -> None:
        wanted = {"parts": [{"number": number, "sha256": digest}]}
        address = self.sender.call("POST", f"{self.location}/parts", json=wanted)["parts"][0]
        try:
            answer = requests.put(
                address["url"], data=data, headers=address["headers"], timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            # never the error itself: it tells the address, which is a right to write
            raise _NotTaken(f"the object store cannot be reached ({type(error).__name__})") from None
        if answer.status_code != 200:
            raise _NotTaken(
                f"the object store refused a part (HTTP {answer.status_code})", answer.status_code
            )

    def complete(self, digest: str) -> None:
        self.sender.call("POST", f"{self.location}/complete", json={"sha256": digest})


def _raise_early(waiting: list[Future[None]]) -> None:
    """Raises what a part failed with, before more is read for nothing."""
    while waiting and waiting[0].done():
        waiting.pop(0).result()
