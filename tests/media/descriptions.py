"""An MP4 whose picture track has two sample descriptions, as a camera writes that changes its coder's settings.

No muxer at hand writes one, so the boxes of two files are put together: ISO/IEC 14496-12, 8.5.2 (stsd), 8.6.1.2 (stts),
8.6.2 (stss), 8.7.3 (stsz), 8.7.4 (stsc), 8.7.5 (stco).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tests.media import synthetic

_PARENTS = ("moov", "trak", "mdia", "minf", "stbl")
_CODING = ("-c:v", "libx264", "-g", "25", "-bf", "0", "-colorspace", "bt709", "-pix_fmt", "yuv420p")


def two_descriptions(path: Path, *, seconds: int = 1) -> tuple[Path, Path, Path]:
    """Writes `path` of two halves of `seconds` each, coded by different parameter sets; returns it and the halves."""
    halves = []
    for number, settings in enumerate(("cabac=1:8x8dct=1", "cabac=0:8x8dct=0:ref=2")):
        half = path.with_name(f"half-{number}.mp4")
        extra = ("-x264-params", settings, "-vf", f"hue=h={90 * number}", "-fflags", "+bitexact")
        halves.append(synthetic.plain(half, seconds=seconds, channels=0, codec=_CODING, extra=extra))
    first, second = (half.read_bytes() for half in halves)
    sizes = [_sizes(data) for data in (first, second)]
    media = b"".join(_body(data, "mdat") for data in (first, second))
    described = [_body(data, *_PARENTS, "stsd")[8:] for data in (first, second)]
    total, head = sum(map(len, sizes)), _box("ftyp", _body(first, "ftyp"))
    ends = [0]
    for size in (*sizes[0], *sizes[1]):
        ends.append(ends[-1] + size)
    offsets = [len(head) + 8 + at for at in ends[:-1]]  # each sample a chunk of its own
    tables = {
        "stsd": struct.pack(">II", 0, 2) + b"".join(described),
        "stts": struct.pack(
            ">IIII", 0, 1, total, struct.unpack(">I", _body(first, *_PARENTS, "stts")[12:16])[0]
        ),
        "stss": struct.pack(">II", 0, total // 25)
        + b"".join(struct.pack(">I", n + 1) for n in range(0, total, 25)),
        "stsc": struct.pack(">II6I", 0, 2, 1, 1, 1, len(sizes[0]) + 1, 1, 2),
        "stsz": struct.pack(">III", 0, 0, total)
        + b"".join(struct.pack(">I", n) for n in (*sizes[0], *sizes[1])),
        "stco": struct.pack(">II", 0, total) + b"".join(struct.pack(">I", at) for at in offsets),
    }
    moov = _rebuilt(_body(first, "moov"), tables)
    path.write_bytes(head + _box("mdat", media) + _box("moov", moov))
    return path, halves[0], halves[1]


def _rebuilt(data: bytes, tables: dict[str, bytes]) -> bytes:
    """The same boxes with the track's tables replaced, and every length of time doubled; no edit list."""
    made = b""
    for name, body in _boxes(data):
        if name in _PARENTS:
            body = _rebuilt(body, tables)
        elif name in tables:
            body = tables[name]
        elif name in (
            "mvhd",
            "mdhd",
            "tkhd",
        ):  # version 0: the length of time is at 16, in a track's header at 20
            at = 20 if name == "tkhd" else 16
            body = body[:at] + struct.pack(">I", 2 * struct.unpack_from(">I", body, at)[0]) + body[at + 4 :]
        elif name == "edts":
            continue
        made += _box(name, body)
    return made


def _sizes(data: bytes) -> list[int]:
    table = _body(data, *_PARENTS, "stsz")
    return [size for (size,) in struct.iter_unpack(">I", table[12:])]


def _body(data: bytes, *names: str) -> bytes:
    for name in names:
        data = next(body for found, body in _boxes(data) if found == name)
    return data


def _boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        yield name.decode(), data[at + 8 : at + size]
        at += size


def _box(name: str, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name.encode()) + body
