"""What looks like footage: decided by the first bytes of a file; its name alone can only speak against it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.client.upload.cards import is_hidden, why_not

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
    """A file to send (`media_type` is set), one to skip and why, or one that `failed`: it cannot be read.

    `name` is its path below the folder that was named, with slashes.
    """

    path: Path
    size: int
    media_type: str = ""
    skipped: str = ""
    failed: str = ""
    name: str = ""


def find_footage(paths: Iterable[Path]) -> Iterator[Candidate]:
    """Every file named, or inside a folder named, once; symbolic links inside folders are not followed."""
    seen: set[Path] = set()
    for path in paths:
        for file in sorted(walk(path), key=lambda one: one.path):
            real = file.path.resolve()
            if real not in seen:
                seen.add(real)
                yield file if file.failed else judge(file.path, file.name)


def walk(path: Path) -> Iterator[Candidate]:
    """The files of a folder, hidden ones left out, or the file itself; folders that cannot be read as `failed`."""
    if not path.is_dir():
        yield Candidate(path, 0, name=path.name)
        return
    unread: list[OSError] = []
    for folder, inner, files in os.walk(path, onerror=unread.append):
        inner[:] = sorted(name for name in inner if not is_hidden(name))
        for name in files:
            file = Path(folder, name)
            if not is_hidden(name) and file.is_file() and not file.is_symlink():
                yield Candidate(file, 0, name=file.relative_to(path).as_posix())
    for error in unread:
        yield Candidate(Path(error.filename), 0, failed=f"cannot be read: {error.strerror}")


def judge(path: Path, name: str = "") -> Candidate:
    """What one file is, by its place and its first bytes."""
    name = name or path.name
    if name != name.encode(errors="replace").decode():
        return Candidate(path, 0, failed="its name is not UTF-8, so it cannot be sent: rename it", name=name)
    try:
        if path.exists() and not path.is_file():
            return Candidate(path, 0, skipped="not a file", name=name)
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_SNIFFED)
    except OSError as error:
        return Candidate(path, 0, failed=f"cannot be read: {error.strerror}", name=name)
    if size == 0:
        return Candidate(path, 0, skipped="the file is empty", name=name)
    container = sniff(head)
    if reason := why_not(path) or ("" if container else "not footage"):
        return Candidate(path, size, skipped=reason, name=name)
    return Candidate(path, size, media_type=_MEDIA_TYPES[str(container)], name=name)


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
