"""Joins the fragments that chunks were coded to, byte by byte, into one file.

Each chunk is a fragmented MP4 (ISO/IEC 14496-12, 8.8) whose fragments say their own decode time, and all were coded by
one encoder with one set of parameters, so their headers are equal: the first one's serves for all.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from ingest.errors import Unexplained

_HEADER = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")


def join_fragments(parts: Sequence[Path], target: Path) -> None:
    """Write the fragments of all parts, in order, behind the first one's header.

    Raises Unexplained when headers differ.
    """
    expected = b""
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                header = source.read(_header_size(source))
                if out.tell() == 0:
                    expected = header
                    out.write(header)
                elif header != expected:
                    raise Unexplained(f"{part.name} of a chunk was coded unlike the first one's")
                shutil.copyfileobj(source, out, 1 << 20)


def _header_size(source: BinaryIO) -> int:
    """Bytes before the first fragment; leaves the file at its start."""
    for position, kind in _boxes(source):
        if kind == b"moof":
            source.seek(0)
            return position
    raise Unexplained("a chunk was coded to a file without fragments")


def _boxes(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Position and type of each box of the file's top level: ISO/IEC 14496-12, 4.2."""
    position = 0
    while len(header := source.read(_HEADER.size)) == _HEADER.size:
        size, kind = _HEADER.unpack(header)
        yield position, kind
        if size == 1:
            size = _LARGE.unpack(source.read(_LARGE.size))[0]
        if size < _HEADER.size:
            return
        position += size
        source.seek(position)
