"""The one byte form of each release document, so that equal contents have equal hashes.

UTF-8 JSON with sorted keys, no white space and no NaN; one trailing newline. A line of a .jsonl file is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.manifest.errors import FormatError


def encode(document: Mapping[str, Any]) -> bytes:
    """The canonical bytes of `document`. Raises FormatError for what JSON cannot hold."""
    try:
        text = json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        return text.encode() + b"\n"
    except (TypeError, ValueError) as error:  # UnicodeEncodeError of a lone surrogate is a ValueError
        raise FormatError(f"not JSON: {error}") from error


def decode(data: bytes, what: str) -> dict[str, Any]:
    """The object in `data`; `what` names it in the FormatError raised unless it is in canonical form."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{what} is not JSON") from error
    if not isinstance(document, dict):
        raise FormatError(f"{what} is not a JSON object")
    if encode(document) != data:
        raise FormatError(f"{what} is not in canonical form")
    return document


def encode_lines(documents: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(encode(document) for document in documents)


def decode_lines(data: bytes, what: str) -> Iterator[dict[str, Any]]:
    """Each line's object, in order. Raises FormatError naming the line."""
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        yield decode(line, f"{what}, line {number}")


class Fields:
    """Reads a decoded object's members strictly: every one present, of its type, and none left over."""

    def __init__(self, document: Mapping[str, Any], what: str) -> None:
        self._left = dict(document)
        self._what = what

    def take(self, name: str, kind: type) -> Any:
        if name not in self._left:
            raise FormatError(f"{self._what} lacks {name!r}")
        value = self._left.pop(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise FormatError(f"{self._what}: {name!r} must be of type {kind.__name__}")
        return value

    def text(self, name: str) -> str:
        value: str = self.take(name, str)
        return value

    def count(self, name: str) -> int:
        value: int = self.take(name, int)
        if value < 0:
            raise FormatError(f"{self._what}: {name!r} must not be negative")
        return value

    def sha256(self, name: str = "sha256") -> str:
        value = self.text(name)
        if len(value) != 64 or not set(value) <= set("0123456789abcdef"):
            raise FormatError(f"{self._what}: {name!r} is not a SHA-256 in lower-case hex")
        return value

    def end(self) -> None:
        if self._left:
            raise FormatError(f"{self._what} holds an unknown member {sorted(self._left)[0]!r}")
