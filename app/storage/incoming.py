"""The terms of objects that clients send straight into a store, part by part: what `storage.multipart` speaks in.

Apart from it, so that a service on local disk loads no boto3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.settings import SettingsError

if TYPE_CHECKING:
    from app.storage.base import BlobStore
    from app.storage.multipart import IncomingObjects

PREFIX: Final = "incoming/"
PART_SIZE: Final = 64 * 2**20  # bytes; equal parts, but for the last
MAX_PARTS: Final = 10_000
MAX_LENGTH: Final = MAX_PARTS * PART_SIZE  # 625 GiB
ADDRESS_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class PartAddress:
    """Where one part may be sent with PUT, and the headers that must go with it."""

    number: int
    url: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"PartAddress({self.number})"  # the address itself must not get into a log


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that the store holds; `sha256` is None where the store does not tell."""

    number: int
    length: int
    etag: str
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A multipart upload that was begun and neither completed nor aborted."""

    key: str
    multipart_id: str
    at: datetime


class PartsDiffer(Exception):
    """The store's parts are not those that were to be joined."""


def require_reachable(store: BlobStore) -> IncomingObjects:
    """The place that officers' browsers send to. Raises SettingsError where there is none that they reach by TLS."""
    incoming = store.incoming
    if incoming is None or not incoming.reachable:
        raise SettingsError(
            "CORDON_BROWSER_UPLOADS=direct needs a store that browsers reach by TLS: in CORDON_STORAGE_URL an s3://"
            " bucket whose endpoint, or public=, is https"
        )
    return incoming
