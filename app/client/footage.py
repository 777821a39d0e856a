"""What looks like footage: decided by the first bytes of a file, never by its name alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_TS_PACKET = 188
_SNIFFED = 512
_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "matroska": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpegts": "video/mp2t",
}


@dataclass(frozen=True)
class Candidate:
    """A file to send (`media_type` is set), or one to skip and why."""

    path: Path
    size: int
    media_type: str = ""
    skipped: str = ""


def find_footage(paths: Iterable[Path]) -> Iterator[Candidate]:
    """Every file named, or inside a folder named, once; symbolic links inside folders are not followed."""
    seen: set[Path] = set()
    for path in paths:
        for file in sorted(_files(path)):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield _judge(file)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for inner in path.rglob("*"):
        if inner.is_file() and not inner.is_symlink():
            yield inner


def _judge(path: Path) -> Candidate:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        return Candidate(path, 0, skipped=f"cannot be read: {error.strerror}")
    if size == 0:
        return Candidate(path, 0, skipped="the file is empty")
    container = sniff(head)
    if container is None:
        return Candidate(path, size, skipped="not footage")
    return Candidate(path, size, media_type=_MEDIA_TYPES[container])


def sniff(head: bytes) -> str | None:
    """The container that a file's first bytes show: mp4 (MP4, MOV, 3GP), matroska (MKV, WebM), avi, mpegts, or None."""
    if head[4:8] in _ATOMS:
        return "mp4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    for lead in (0, 4):  # M2TS puts four bytes before each packet
        step = _TS_PACKET + lead
        if len(head) > lead + step and head[lead] == 0x47 and head[lead + step] == 0x47:
            return "mpegts"
    return None
