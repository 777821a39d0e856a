"""Parts of a file that goes straight to the store: which there are, and which are as they were declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.core.errors import InvalidRequest
from app.storage.incoming import StoredPart
from app.uploads.models import Upload

NAMED_AT_MOST: Final = 20  # missing parts in one answer


def check_numbers(upload: Upload, digests: Mapping[int, bytes]) -> None:
    """Raises InvalidRequest for a part that the file does not have, and for none at all."""
    beyond = [number for number in digests if not 1 <= number <= upload.part_count]
    if beyond or not digests:
        raise InvalidRequest(f"This file has the parts 1 to {upload.part_count}")


def as_declared(
    upload: Upload, number: int, part: StoredPart | None, digests: Mapping[int, bytes]
) -> StoredPart | None:
    """The stored part with its declared digest; None when it is not there as it should be."""
    declared = digests.get(number - 1)
    if part is None or declared is None or part.length != upload.part_length(number):
        return None
    return replace(part, sha256=declared) if part.sha256 in (None, declared) else None


def named(missing: range | list[int]) -> str:
    """A sentence of which are missing."""
    shown = ", ".join(str(number) for number in missing[:NAMED_AT_MOST])
    return f"Missing are {len(missing)}: {shown}" + (" …" if len(missing) > NAMED_AT_MOST else "")


def number_after(cursor: str | None) -> int:
    """The number after which a page of parts begins. Raises InvalidRequest."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 5):
        raise InvalidRequest("The cursor is not one that this service issued: start again without it")
    return int(cursor)
