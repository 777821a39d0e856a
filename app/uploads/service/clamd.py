"""ClamAV's daemon, asked by its INSTREAM command (clamd(8), "COMMANDS").

`zINSTREAM\\0`, then chunks, each its length (uint32, big endian) and its bytes, then a length of zero; the answer is
`stream: OK\\0`, `stream: NAME FOUND\\0` or `… ERROR\\0`. The daemon takes at most StreamMaxLength bytes at a time, so
a longer file is shown to it in windows that overlap, and the verdict says in how many.
"""

from __future__ import annotations

import logging
import socket
import struct
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from app.settings import LEAST_STREAM_BYTES
from app.uploads.service.errors import ScreenUnavailable
from app.uploads.service.screening import Check, Read, ScreenIncomplete, Verdict, plain

log = logging.getLogger(__name__)
CHUNK: Final = 2**18
OVERLAP: Final = 2**16  # what lies over the edge of two windows lies whole in one, if it is no longer
CONNECT_SECONDS: Final = 5.0
VERSION_SECONDS: Final = 10.0  # a page waits for it
ANSWER_SECONDS: Final = 120.0  # for one window
MOST_ANSWER: Final = 4096
_LIMITS: Final = "Heuristics.Limits.Exceeded"  # with AlertExceedsMax: it did not look at all of it


class _WindowTooLong(Exception):
    """More than the daemon takes at a time."""


class _HungUp(Exception):
    """The daemon takes no more bytes."""


class Clamd:
    """The daemon at `unix:///path` or `tcp://host:port`, shown at most `window` bytes at a time."""

    def __init__(self, address: str, window: int) -> None:
        self._address = urlsplit(address)
        self._window = window

    def engine(self) -> str:
        """ "ClamAV 1.4.3/27…/date of its signatures". Raises ScreenUnavailable."""
        with self._connected() as daemon:
            daemon.settimeout(VERSION_SECONDS)
            try:
                daemon.sendall(b"zVERSION\0")
                return plain(_answer(daemon))
            except OSError as error:
                raise ScreenUnavailable(f"clamd does not answer: {error}") from error

    def look(self, read: Read, length: int, check: Check) -> Verdict:
        """Shows it the whole file. Raises ScreenIncomplete when it says that it did not look at all of a window."""
        engine, window, start, windows = self.engine(), self._window, 0, 0
        while True:
            end = min(start + window, length)
            try:
                with read(start, end) as stream:
                    found = self._ask(stream, end - start, check)
            except _WindowTooLong:
                window = self._shorter(min(window, end - start))
                continue
            windows += 1
            if found or end == length:
                return Verdict(engine, found, windows, window)
            start = end - OVERLAP

    def _shorter(self, window: int) -> int:
        if window // 2 < LEAST_STREAM_BYTES:
            raise ScreenUnavailable(
                "clamd takes less than CORDON_CLAMD_STREAM_BYTES: raise its StreamMaxLength"
            )
        log.warning("clamd takes less at a time than CORDON_CLAMD_STREAM_BYTES", extra={"bytes": window})
        return window // 2

    def _ask(self, stream: BinaryIO, length: int, check: Check) -> str | None:
        """The name of what it finds in one window, or None."""
        with self._connected() as daemon:
            whole = True
            try:
                try:
                    _send(daemon, stream, length, check)
                except _HungUp:
                    whole = False  # it may have said why first
                answer = _answer(daemon)
            except ConnectionResetError:
                raise _WindowTooLong from None  # it hangs up when it has enough; one that is gone refuses the next
            except OSError as error:
                raise ScreenUnavailable(f"clamd does not answer: {error}") from error
        found = _judged(answer)
        if found is None and not whole:
            raise ScreenUnavailable("clamd judged a part of what it was to see")
        return found

    def _connected(self) -> socket.socket:
        try:
            if self._address.scheme == "unix":
                daemon = _unix(unquote(self._address.path))
            else:
                place = (self._address.hostname or "", self._address.port or 0)
                daemon = socket.create_connection(place, CONNECT_SECONDS)
        except OSError as error:
            raise ScreenUnavailable(f"clamd cannot be reached: {error}") from error
        daemon.settimeout(ANSWER_SECONDS)
        return daemon


def _unix(path: str) -> socket.socket:
    daemon = socket.socket(socket.AF_UNIX)
    try:
        daemon.settimeout(CONNECT_SECONDS)
        daemon.connect(path)
    except OSError:
        daemon.close()
        raise
    return daemon


def _send(daemon: socket.socket, stream: BinaryIO, length: int, check: Check) -> None:
    """Raises _HungUp."""
    _push(daemon, b"zINSTREAM\0")
    left = length
    while left:
        check()
        piece = stream.read(min(CHUNK, left))
        if not piece:
            raise ScreenUnavailable("The upload's bytes ended early while they were screened")
        _push(daemon, struct.pack(">I", len(piece)) + piece)
        left -= len(piece)
    _push(daemon, struct.pack(">I", 0))


def _push(daemon: socket.socket, data: bytes) -> None:
    try:
        daemon.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        raise _HungUp from None


def _answer(daemon: socket.socket) -> str:
    """Up to the NUL that ends it. Raises ConnectionResetError when the daemon hangs up before."""
    said = b""
    while not said.endswith(b"\0") and len(said) < MOST_ANSWER:
        piece = daemon.recv(MOST_ANSWER)
        if not piece:
            raise ConnectionResetError("it hung up without an answer")
        said += piece
    return said.rstrip(b"\0\n").decode(errors="replace").strip()


def _judged(answer: str) -> str | None:
    said = answer.removeprefix("stream: ")
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        name = plain(said.removesuffix(" FOUND"))
        if name.startswith(_LIMITS):
            raise ScreenIncomplete(name)
        return name
    if "size limit exceeded" in said:
        raise _WindowTooLong
    raise ScreenUnavailable(f"clamd answered: {plain(said)}")
