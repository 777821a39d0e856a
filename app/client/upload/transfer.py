"""The bytes of one file, from the server's offset to its end, over a line that may be poor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.bandwidth import Bandwidth, Body
from app.client.upload.digests import Digests
from app.client.upload.follow import held_as
from app.client.upload.model import Item, Observer, Outcome
from app.client.upload.retry import Patience
from app.client.upload.state import UploadState
from app.client.upload.stop import Stop

CHUNK: Final = 32 * 2**20
TUS: Final = {"Tus-Resumable": "1.0.0"}
BYTES: Final = TUS | {"Content-Type": "application/offset+octet-stream"}
ELSEWHERE: Final = (409, 423)  # the offset moved, or another request holds it: ask where to go on

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """How files go out: the pace, the end, whom to tell, the seconds of patience."""

    bandwidth: Bandwidth
    stop: Stop
    observer: Observer
    patience: float
    chunk: int = CHUNK


class Transfer:
    """One file's. `run` is called once."""

    def __init__(
        self,
        api: ApiSession,
        state: UploadState,
        line: Line,
        patience: Patience,
        item: Item,
        location: str,
        offset: int,
    ) -> None:
        self._api, self._state, self._line = api, state, line
        self._patience, self._item = patience, item
        self._location, self._offset = location, offset
        self._before = item.path.stat()

    def run(self) -> Outcome:
        """Sends the file to its end, unless the service has its bytes. Raises ClientError, OSError, Interrupted."""
        item, digests, place, declared = self._item, Digests(self._item.expected), 0, False
        self._line.observer.begun(item, self._offset)
        with item.path.open("rb") as source:
            while place < item.size:
                self._line.stop.check()
                most = self._line.chunk
                chunk = source.read(min(most, self._offset - place) if place < self._offset else most)
                if not chunk:
                    raise ClientError(f"{item.path.name} became shorter while it was sent")
                digests.update(chunk)
                start, place = place, place + len(chunk)
                if self._offset < place:
                    if place >= item.size:
                        declared = True
                        if recording := self._declare(digests):
                            return item.held_as(recording, digests.sha256)
                    self._send_chunk(chunk[: item.size - start], start)
        if not declared:
            self._compare(digests)
        self._state.finish(item.path, self._location, digests.sha256)
        upload_id = self._location.rpartition("/")[2]
        return Outcome(item.path, "received", item.size, "", upload_id, None, digests.sha256, item.name)

    def _declare(self, digests: Digests) -> str | None:
        """Before the last bytes: is the file still what it was, and what its manifest says? Then its SHA-256.

        Returns the force's recording of the same bytes, where there is one: then the upload is ended.
        """
        after = self._item.path.stat()
        if (after.st_size, after.st_mtime_ns) != (self._item.size, self._before.st_mtime_ns):
            self._drop()
            raise ClientError(f"{self._item.path.name} changed while it was sent: send it again")
        if digests.mismatch():
            self._drop()
            digests.verify(self._item.path.name)
        body = {"sha256": digests.sha256}
        try:
            self._patiently(lambda: self._api.post_json(f"{self._location}/digest", body))
        except ClientError as error:
            if (recording := held_as(error)) is None:
                raise
            self._drop()
            return recording
        return None

    def _compare(self, digests: Digests) -> None:
        """A run before sent the last bytes and did not hear so: is the file still what it declared?"""
        digests.verify(self._item.path.name)
        said = self._patiently(lambda: self._api.get_json(f"{self._location}/status"))
        if said["declared_sha256"] != digests.sha256:
            self._state.forget(self._item.path)
            raise ClientError(f"{self._item.path.name} changed since it was sent: send it again")

    def _drop(self) -> None:
        """Ends an upload that must not become whole."""
        self._patiently(lambda: self._api.request("DELETE", self._location, headers=TUS))
        self._state.forget(self._item.path)

    def _send_chunk(self, chunk: bytes, start: int) -> None:
        """Sends what the server lacks of the chunk that begins at `start`; goes on after every passing fault."""
        end, data = start + len(chunk), memoryview(chunk)
        while self._offset < end:
            out: list[int] = []
            try:
                reached = self._patch(data[self._offset - start :], out)
            except ClientError as error:
                if not error.passing and error.status not in ELSEWHERE:
                    raise
                self._patience.bear(self._item.name, error)
                reached = self._patiently(lambda: offset_of(self._api, self._location))
            if not max(start, self._offset) <= reached <= end:
                raise ClientError("the service lost its place in this upload: start it again")
            if reached > self._offset:
                self._patience.relieve()
            # What went out and was not received must go out again: it counts for nothing.
            self._line.observer.sent(self._item, reached - self._offset - sum(out))
            self._offset = reached

    def _patch(self, data: memoryview, out: list[int]) -> int:
        def count(number: int) -> None:
            out.append(number)
            self._line.observer.sent(self._item, number)

        answer = self._api.request(
            "PATCH",
            self._location,
            data=lambda: Body(data, self._line.bandwidth, count),
            headers=BYTES | {"Upload-Offset": str(self._offset)},
        )
        return _number(answer.headers.get("Upload-Offset"))

    def _patiently(self, ask: Callable[[], T]) -> T:
        return patiently(self._patience, self._item.name, ask)


def patiently(patience: Patience, name: str, ask: Callable[[], T]) -> T:
    """The answer, asked again after passing faults. Raises ClientError, Interrupted."""
    while True:
        try:
            return ask()
        except ClientError as error:
            if not error.passing:
                raise
            patience.bear(name, error)


def offset_of(api: ApiSession, location: str) -> int:
    """How many bytes the server has. Raises ClientError."""
    return _number(api.request("HEAD", location, headers=TUS).headers.get("Upload-Offset"))


def _number(header: str | None) -> int:
    if header is None or not header.isdecimal():
        raise ClientError("the service gave no Upload-Offset: is there a proxy that removes headers?")
    return int(header)
