"""One file straight into the service's object store: parts in parallel, each by an address of its own.

The service names the size of parts, signs an address for each (it lives five minutes and takes these bytes alone), and
joins them at the end. What the store already holds is read and hashed, and not sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any, BinaryIO, Final, TypeVar
from uuid import uuid4

import requests

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.bandwidth import Body
from app.client.upload.before import GONE
from app.client.upload.digests import Digests, verified
from app.client.upload.follow import UPLOADS
from app.client.upload.model import Item, Outcome
from app.client.upload.retry import Patience
from app.client.upload.state import UploadState
from app.client.upload.transfer import Line, patiently

DIRECT: Final = f"{UPLOADS}/direct"
WHOLE: Final = ("received", "recorded")
# The store's answers after which a part is sent again: damaged on the way, its address too old, or a passing fault.
NOT_TAKEN: Final = (400, 403, 408, 425, 429, 500, 502, 503, 504)
_TIMEOUT = (10, 120)

T = TypeVar("T")


@dataclass
class DirectTransfer:
    """One file's, `workers` parts at a time, so that it holds as many parts in memory. `run` is called once."""

    api: ApiSession
    exercise: str
    state: UploadState
    line: Line
    item: Item
    workers: int
    upload: dict[str, Any] = field(default_factory=dict)  # as the service tells it
    held: dict[int, str] = field(default_factory=dict)  # digests of parts that the store has, by number

    def run(self) -> Outcome:
        """Sends the file to its last byte. Raises ClientError, OSError, Interrupted."""
        before = self.item.path.stat()
        if not self._resume():
            self._create()
        if self.upload["state"] in WHOLE:
            return self._whole_before()
        digests = Digests(self.item.expected)
        self.line.observer.begun(self.item, 0)
        with self.item.path.open("rb") as source:
            self._send(source, digests)
        after = self.item.path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            self._drop()
            raise ClientError(f"{self.item.path.name} changed while it was sent: send it again")
        if digests.mismatch():
            self._drop()
            digests.verify(self.item.path.name)
        self._call("POST", f"{self._location}/complete", json={"sha256": digests.sha256})
        return self._finished(digests.sha256)

    @property
    def _location(self) -> str:
        return f"{DIRECT}/{self.upload['id']}"

    def _whole_before(self) -> Outcome:
        """An earlier run ended before it heard that all had arrived: is the file still what it declared?"""
        sha256 = verified(self.item.path, self.item.expected, self.line.stop.check)
        if sha256 != self.upload["declared_sha256"]:
            self.state.forget(self.item.path)
            raise ClientError(f"{self.item.path.name} changed since it was sent: send it again")
        return self._finished(sha256)

    def _finished(self, sha256: str) -> Outcome:
        item = self.item
        self.state.finish(item.path, self._location, sha256)
        return Outcome(item.path, "received", item.size, "", self.upload["id"], None, sha256, item.name)

    def _create(self) -> None:
        item = self.item
        said: dict[str, Any] = {"exercise_id": self.exercise, "filename": item.path.name, "length": item.size}
        said |= {"media_type": item.media_type} if item.media_type else {}
        said |= {"sha256": sha256} if (sha256 := item.expected.get("sha256", item.sha256)) else {}
        key = {"Idempotency-Key": str(uuid4())}  # an answer that got lost opens no second one
        self.upload = self._call("POST", DIRECT, json=said | dict(item.details), headers=key)
        self.state.remember(item.path, self._location)

    def _resume(self) -> bool:
        """Takes up the transfer that a run before began; False if there is none to go on with."""
        known = self.state.recall(self.item.path)
        if known is None or not known.location.startswith(f"{DIRECT}/"):
            return False
        try:
            self.upload = self._call("GET", known.location)
            if self.upload["state"] not in WHOLE:
                parts = self._patiently(lambda: list(self.api.get_pages(f"{known.location}/parts")))
                self.held = {part["number"]: part["sha256"] for part in parts}
        except ClientError as error:
            if error.status not in GONE:
                raise
            return False
        return True

    def _drop(self) -> None:
        """Ends an upload that must not become whole."""
        self._patiently(lambda: self.api.request("DELETE", self._location))
        self.state.forget(self.item.path)

    def _send(self, source: BinaryIO, digests: Digests) -> None:
        """Sends what the store lacks."""
        number, read = 0, 0
        size, part_size = int(self.upload["length"]), int(self.upload["part_size"])
        room = BoundedSemaphore(self.workers)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="part") as pool:
            waiting: list[Future[None]] = []
            while read < size:
                room.acquire()
                data = source.read(min(part_size, size - read))
                if not data:
                    raise ClientError(f"{self.item.path.name} became shorter while it was sent")
                number, read = number + 1, read + len(data)
                digests.update(data)
                future = pool.submit(self._send_part, number, data)
                future.add_done_callback(lambda _: room.release())
                waiting.append(future)
                _raise_early(waiting)
            for future in waiting:
                future.result()

    def _send_part(self, number: int, data: bytes) -> None:
        self.line.stop.check()
        digest = hashlib.sha256(data).hexdigest()
        if self.held.get(number) == digest:
            self.line.observer.sent(self.item, len(data))
        else:
            self._patiently(lambda: self._put(number, data, digest))

    def _put(self, number: int, data: bytes, digest: str) -> None:
        wanted = {"parts": [{"number": number, "sha256": digest}]}
        address = self._call("POST", f"{self._location}/parts", json=wanted)["parts"][0]
        out: list[int] = []

        def count(sent: int) -> None:
            out.append(sent)
            self.line.observer.sent(self.item, sent)

        try:
            answer = requests.put(
                address["url"],
                data=Body(memoryview(data), self.line.bandwidth, count),  # type: ignore[arg-type]  # sends memoryviews
                headers=address["headers"],
                timeout=_TIMEOUT,
                allow_redirects=False,
                verify=self.api.verify,
            )
            status: int | None = answer.status_code
            why = f"refused a part (HTTP {status})"
        except requests.RequestException as error:
            # never the error itself: it tells the address, which is a right to write
            status, why = None, f"cannot be reached ({type(error).__name__})"
        if status != 200:
            self.line.observer.sent(self.item, -sum(out))  # it must go out again, and counts for nothing
            passing = status is None or status in NOT_TAKEN
            raise ClientError(f"the object store {why}", status, passing=passing)

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        """The service's JSON; asked again after passing faults."""
        return self._patiently(lambda: self.api.request(method, path, **arguments).json())

    def _patiently(self, ask: Callable[[], T]) -> T:
        patience = Patience(self.line.patience, self.line.stop.pause, self.line.observer.says)
        return patiently(patience, self.item.name, ask)


def _raise_early(waiting: list[Future[None]]) -> None:
    """Raises what a part failed with, before more is read for nothing."""
    while waiting and waiting[0].done():
        waiting.pop(0).result()
