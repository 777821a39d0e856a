"""A bag (RFC 8493, 1.0) of what was handed over, for the force's own store.

Files are copied, never moved or linked: a bag must not change with the card. It appears under its name only when it
is whole, and each copy was hashed as it was written and found to be what the service received.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from app.client.errors import ClientError
from app.client.terminal import human_bytes
from app.client.upload.model import Outcome

_READ: Final = 2**20
_DECLARATION: Final = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
# Manifests would have to escape these, and the most used reader of bags does not undo it for the percent sign.
_REPLACED: Final = str.maketrans(dict.fromkeys("%\n\r", "_"))


def check_target(directory: Path) -> None:
    """Raises ClientError unless a bag can appear there."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ClientError(f"{directory} is there already: name a new folder for the bag")
    if not directory.absolute().parent.is_dir():
        raise ClientError(f"{directory.absolute().parent} is no folder: make it first")


def write_bag(directory: Path, outcomes: Sequence[Outcome], *, exercise: str, server: str) -> int:
    """Makes a bag of the files with these outcomes; returns how many it holds. Raises ClientError, OSError."""
    sent = [one for one in outcomes if one.good and one.sha256]
    if not sent:
        raise ClientError("nothing was handed over, so no bag was made")
    check_target(directory)
    part = directory.absolute().with_name(f".{directory.name}.part")
    _require_room(part.parent, sum(one.size for one in sent))
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        _fill(part, sent, exercise, server)
        if directory.exists():
            directory.rmdir()
        part.rename(directory)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(sent)


def _fill(part: Path, sent: Sequence[Outcome], exercise: str, server: str) -> None:
    lines: list[str] = []
    for outcome, name in zip(sent, _names(sent), strict=True):
        target = part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (found := _copy(outcome.path, target)) != outcome.sha256:
            raise ClientError(f"{outcome.path} is no longer what was handed over: no bag was made")
        lines.append(f"{found}  {name}\n")
    _write(part / "bagit.txt", _DECLARATION)
    _write(part / "bag-info.txt", _info(sent, exercise))
    _write(part / "cordon.json", json.dumps(_document(sent, exercise, server), indent=2) + "\n")
    _write(part / "manifest-sha256.txt", "".join(sorted(lines, key=lambda line: line.split("  ", 1)[1])))
    tags = sorted(path for path in part.iterdir() if path.is_file())
    listed = (f"{hashlib.sha256(tag.read_bytes()).hexdigest()}  {tag.name}\n" for tag in tags)
    _write(part / "tagmanifest-sha256.txt", "".join(listed))


def _info(sent: Sequence[Outcome], exercise: str) -> str:
    octets = sum(one.size for one in sent)
    return (
        f"Bag-Software-Agent: cordon {version('cordon')}\n"
        f"Bagging-Date: {datetime.now(UTC):%Y-%m-%d}\n"
        f"Bag-Size: {human_bytes(octets)}\n"
        f"Payload-Oxum: {octets}.{len(sent)}\n"
        f"Internal-Sender-Identifier: exercise {exercise}\n"
    )


def _document(sent: Sequence[Outcome], exercise: str, server: str) -> dict[str, object]:
    """What ties the bag to the service: a tag file of our own beside the standard ones."""
    files = [
        {
            "file": name,
            "source": str(one.path),
            "sha256": one.sha256,
            "state": one.state,
            "upload_id": one.upload_id,
            "recording_id": one.recording_id,
        }
        for one, name in zip(sent, _names(sent), strict=True)
    ]
    return {"server": server, "exercise": exercise, "files": files}


def _names(sent: Sequence[Outcome]) -> list[str]:
    """A path in the bag for each file: its own below what was named, with a number where two would be the same."""
    taken: set[str] = set()
    names: list[str] = []
    for outcome in sent:
        stem = name = outcome.name.removeprefix("data/").translate(_REPLACED)
        number = 1
        while name.casefold() in taken:  # many file systems do not tell A.MP4 from a.mp4
            number += 1
            name = f"{number}/{stem}"
        taken.add(name.casefold())
        names.append(f"data/{name}")
    return names


def _copy(source: Path, target: Path) -> str:
    """Copies and hashes; on disk when this returns."""
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("xb") as writing:
        while data := reading.read(_READ):
            digest.update(data)
            writing.write(data)
        writing.flush()
        os.fsync(writing.fileno())
    shutil.copystat(source, target)
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ClientError(f"{folder} has room for {human_bytes(free)}, the bag needs {human_bytes(needed)}")
