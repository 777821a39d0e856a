"""What an MP4 or MOV holds and the tools do not hand out: a bounded walk over boxes.

Format: ISO/IEC 14496-12, 4.2 (boxes): size and type, big-endian; size 1 is followed by 64 bits, size 0 goes to
the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MOST_BOXES, _MOST_BYTES, _MOST_KEPT = 10_000, 1 << 20, 64


def user_data(path: Path) -> dict[str, bytes]:
    """Boxes of moov/udta by their four characters, the first of each; what is longer than 1 MiB is left out.

    Empty for whatever is no MP4, or is broken: nothing here judges a file.
    """
    found: dict[str, bytes] = {}
    with path.open("rb") as stream:
        for name, start, stop in _boxes(stream, 0, stream.seek(0, 2)):
            if name == "moov":
                for inner, first, last in _boxes(stream, start, stop):
                    if inner == "udta":
                        _read(stream, first, last, found)
    return found


def picture_descriptions(path: Path) -> int:
    """How many different sample descriptions (8.5.2) the picture track has that has most of them; 0 for what is no MP4.

    A camera that changes its coder's settings in the middle of a file writes a second one, with parameter sets of its
    own, and nothing of it among the pictures.
    """
    most = 0
    with path.open("rb") as stream:
        for name, start, stop in _boxes(stream, 0, stream.seek(0, 2)):
            if name == "moov":
                for inner, first, last in _boxes(stream, start, stop):
                    if inner == "trak" and _is_picture(stream, first, last):
                        most = max(most, len(_descriptions(stream, first, last)))
                break  # the demuxer passes over a second one
    return most


def _is_picture(stream: BinaryIO, start: int, end: int) -> bool:
    """True for a track whose handler (8.4.3) is that of pictures."""
    for first, _ in _inside(stream, start, end, ("mdia", "hdlr")):
        stream.seek(first + 8)
        return stream.read(4) == b"vide"
    return False


def _descriptions(stream: BinaryIO, start: int, end: int) -> set[bytes]:
    found: set[bytes] = set()
    for first, last in _inside(stream, start, end, ("mdia", "minf", "stbl", "stsd")):
        for _, body, stop in _boxes(stream, first + 8, last):
            stream.seek(body)
            if len(found) < _MOST_KEPT:
                found.add(stream.read(min(stop - body, _MOST_BYTES)))
    return found


def _inside(stream: BinaryIO, start: int, end: int, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """(start of the body, end) of each box that lies within boxes of those names, one inside the other."""
    for name, first, last in _boxes(stream, start, end):
        if name == names[0] and names[1:]:
            yield from _inside(stream, first, last, names[1:])
        elif name == names[0]:
            yield first, last


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(type, start of the body, end) of each box between two places."""
    for _ in range(_MOST_BOXES):
        stream.seek(start)
        head = stream.read(16)
        if len(head) < 8 or start + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", head)
        body = start + 8
        if size == 1 and len(head) == 16:
            size, body = struct.unpack_from(">Q", head, 8)[0], start + 16
        stop = end if size == 0 else start + size
        if stop < body or stop > end:
            return
        yield name.decode("latin-1"), body, stop
        start = stop


def _read(stream: BinaryIO, start: int, end: int, found: dict[str, bytes]) -> None:
    for name, first, last in _boxes(stream, start, end):
        if name not in found and last - first <= _MOST_BYTES and len(found) < _MOST_KEPT:
            stream.seek(first)
            found[name] = stream.read(last - first)
