"""Stored footage as an answer, for every feature that shows some."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from app.core.http import resource
from app.core.ranges import ranged_response
from app.storage.models import DataKey
from app.storage.vault import Vault


def footage(key: DataKey, blob_key: str, *, size: int, sha256: bytes, media_type: str) -> Response:
    """Decrypted bytes of a stored object in answer to this request."""
    vault = resource(Vault)

    def pieces(start: int, end: int) -> Iterator[bytes]:
        return vault.open(key, blob_key, start, end).pieces()

    return ranged_response(size, sha256.hex(), media_type, pieces)
