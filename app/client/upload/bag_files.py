"""The tag files of a bag, read (RFC 8493, and 0.97 before it): declaration, manifests, bag-info."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from app.client.errors import ClientError
from app.client.upload.digests import ALGORITHMS

DECLARATION: Final = "bagit.txt"
VERSIONS: Final = ("0.97", "1.0")
_DECLARED = re.compile(
    r"BagIt-Version: (\d+\.\d+)\nTag-File-Character-Encoding: ([\w.:-]+)\s*", re.IGNORECASE
)
_LINE = re.compile(r"([0-9a-fA-F]+)[ \t]+\*?(?:\./)?(.+)")
_ESCAPED = re.compile(r"%(?:0A|0D|25)", re.IGNORECASE)
_OXUM = re.compile(r"^Payload-Oxum\s*:\s*(\d+)\.(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
Manifest = dict[str, str]  # path within the bag, as written → hex digits


def read_encoding(root: Path) -> str:
    """The encoding of the bag's tag files. Raises ClientError for what is no bag of a known version."""
    match = _DECLARED.fullmatch(_text(root / DECLARATION, "utf-8"))
    if match is None:
        raise ClientError(
            f"{root / DECLARATION} does not declare a bag: two lines, version and encoding, are due"
        )
    if match[1] not in VERSIONS:
        raise ClientError(f"{root} is a bag of version {match[1]}: known are {', '.join(VERSIONS)}")
    try:
        "".encode(match[2])
    except LookupError:
        raise ClientError(f"{root / DECLARATION} names an unknown encoding: {match[2]}") from None
    return match[2]


def read_manifests(root: Path, prefix: str, encoding: str) -> dict[str, Manifest]:
    """`prefix` "manifest-" or "tagmanifest-": algorithm → manifest. Raises ClientError."""
    found: dict[str, Manifest] = {}
    for path in sorted(root.glob(f"{prefix}*.txt")):
        algorithm = path.stem.removeprefix(prefix).lower()
        if algorithm not in ALGORITHMS:
            raise ClientError(f"{path}: {algorithm} is not known here: use one of {', '.join(ALGORITHMS)}")
        found[algorithm] = _parse(path, encoding, "data/" if prefix == "manifest-" else "")
    return found


def read_oxum(root: Path, encoding: str) -> tuple[int, int] | None:
    """Payload-Oxum: bytes and files of the payload; None where bag-info.txt does not say. Raises ClientError."""
    path = root / "bag-info.txt"
    if not path.is_file():
        return None
    text = _text(path, encoding)
    match = _OXUM.search(text)
    if match is None and "payload-oxum" in text.lower():
        raise ClientError(f"{path}: Payload-Oxum must be BYTES.FILES")
    return (int(match[1]), int(match[2])) if match else None


def _parse(path: Path, encoding: str, below: str) -> Manifest:
    listed: Manifest = {}
    for number, line in enumerate(_text(path, encoding).splitlines(), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ClientError(f"{path}, line {number}: a checksum and a path are due")
        name = match[2]
        if not _stays_inside(name) or not name.startswith(below):
            raise ClientError(f"{path}, line {number}: {name!r} leads out of the bag's {below or 'folder'}")
        if name in listed:
            raise ClientError(f"{path}, line {number}: {name!r} is listed twice")
        listed[name] = match[1].lower()
    return listed


def name_among(written: str, there: Container[str]) -> str:
    """The file that a manifest means: RFC 8493 2.1.3 escapes line ends and percent signs, but not all writers do.

    Names compare alike however a file system composes their accents (5.1.1).
    """
    plain = same_name(_ESCAPED.sub(lambda escaped: unquote(escaped[0]), written))
    literal = same_name(written)
    return literal if plain not in there and literal in there else plain


def same_name(name: str) -> str:
    """One form for each name."""
    return unicodedata.normalize("NFC", name)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name)
    return not (
        parts.is_absolute() or ".." in parts.parts or name.startswith("~") or "\\" in name or ":" in name[:2]
    )


def _text(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding)
    except OSError as error:
        raise ClientError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeError:
        raise ClientError(f"{path} is not {encoding}") from None
