"""Writes GoPro's metadata format, and MP4 files that carry it as a track: for telemetry's tests, and made up.

Format: https://github.com/gopro/gpmf-parser. The track is cut in by hand, for ffmpeg writes none of that kind.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tests.media import synthetic


def klv(key: str, kind: str, size: int, value: bytes) -> bytes:
    """One entry; `kind` "" nests."""
    letter = kind.encode("latin-1") or b"\0"
    count = len(value) // size
    return key.encode() + letter + struct.pack(">BH", size, count) + value + bytes(-len(value) % 4)


def nested(key: str, *entries: bytes) -> bytes:
    """An entry of entries."""
    return klv(key, "", 4, b"".join(entries))


def gps5(latitude: float, longitude: float, when: str, lock: int = 3) -> bytes:
    """A stream of one fix at `when`, "yymmddhhmmss.sss"."""
    row = struct.pack(">5i", round(latitude * 1e7), round(longitude * 1e7), 12_500, 1500, 150)
    return nested(
        "STRM",
        klv("GPSF", "L", 4, struct.pack(">I", lock)),
        klv("GPSU", "U", 16, when.encode()),
        klv("GPSP", "S", 2, struct.pack(">H", 154)),
        klv("SCAL", "l", 4, struct.pack(">5i", 10**7, 10**7, 1000, 1000, 100)),
        klv("GPS5", "l", 20, row * 3),
    )


def gps9(latitude: float, longitude: float, days: int, seconds: float) -> bytes:
    """A stream of one fix in the later form, whose samples say their own time."""
    row = struct.pack(
        ">7i2H",
        round(latitude * 1e7),
        round(longitude * 1e7),
        12_500,
        1500,
        150,
        days,
        round(seconds * 1000),
        154,
        3,
    )
    return nested(
        "STRM",
        klv("TYPE", "c", 1, b"lllllllSS"),
        klv("SCAL", "l", 4, struct.pack(">9i", 10**7, 10**7, 1000, 1000, 100, 1, 1000, 100, 1)),
        klv("GPS9", "?", 32, row * 2),
    )


def acceleration(*rows: tuple[int, int, int]) -> bytes:
    """A stream of accelerometer samples in hundredths of m/s²."""
    values = b"".join(struct.pack(">3h", *row) for row in rows)
    return nested(
        "STRM",
        klv("SIUN", "c", 4, b"m/s\xb2"),
        klv("SCAL", "s", 2, struct.pack(">h", 100)),
        klv("ACCL", "s", 6, values),
    )


def device(*streams: bytes, name: str = "Test Camera 1") -> bytes:
    """A payload of one device."""
    return nested("DEVC", klv("DVNM", "c", 1, name.encode()), *streams)


def settings(model: str, serial: str) -> bytes:
    """The GPMF that stands in the user data of a file."""
    return nested("DEVC", klv("MINF", "c", 1, model.encode()), klv("CASN", "c", 1, serial.encode()))


def _box(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name.encode()) + body


def recording(path: Path, payloads: list[bytes], about: bytes = b"", *extra: str) -> Path:
    """A clip with a `gpmd` track of one payload a second, and `about` in moov/udta/GPMF; what is at `path` gets it."""
    if not path.exists():
        synthetic.plain(path, seconds=max(1, len(payloads)), extra=extra)
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    head, moov = data[:at], data[at:]
    assert struct.unpack_from(">I", moov)[0] == len(moov)  # it stands last
    mdat = _box("mdat", *payloads)
    moov_body = moov[8:] + _track(payloads, len(head) + 8) + _box("udta", _box("GPMF", about))
    path.write_bytes(head + mdat + _box("moov", moov_body))
    return path


def _track(payloads: list[bytes], first: int) -> bytes:
    """A track of a type of its own: ISO/IEC 14496-12, 8.3 to 8.7, with the fewest boxes that a reader wants."""
    count, length = len(payloads), 1000 * len(payloads)
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    tkhd = _box("tkhd", struct.pack(">IIIIII", 7, 0, 0, 9, 0, length), bytes(16), matrix, bytes(8))
    mdhd = _box("mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, length, 0x55C4, 0))
    hdlr = _box("hdlr", bytes(4), b"mhlr", b"meta", bytes(12), b"\x0bGoPro MET  \0")
    entry = _box("gpmd", bytes(6), struct.pack(">HI", 1, 0))
    sizes = struct.pack(f">{count}I", *map(len, payloads))
    starts, at = [], first
    for payload in payloads:
        starts.append(at)
        at += len(payload)
    table = _box(
        "stbl",
        _box("stsd", struct.pack(">II", 0, 1), entry),
        _box("stts", struct.pack(">IIII", 0, 1, count, 1000)),
        _box("stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        _box("stsz", struct.pack(">III", 0, 0, count), sizes),
        _box("stco", struct.pack(">II", 0, count), struct.pack(f">{count}I", *starts)),
    )
    reference = _box("dinf", _box("dref", struct.pack(">II", 0, 1), _box("url ", struct.pack(">I", 1))))
    minf = _box("minf", _box("gmhd", _box("gmin", bytes(16))), reference, table)
    return _box("trak", tkhd, _box("mdia", mdhd, hdlr, minf))
