"""What every blob store promises, so that the rest of the house need not know where bytes rest.

One contract suite (`tests/contract/test_blob_store.py`) holds every implementation to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from app.core.errors import Unavailable
from app.settings import SettingsError

if TYPE_CHECKING:
    from app.storage.multipart import IncomingObjects

MAX_KEY_LENGTH = 512
READ_SIZE = 2**20
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._=-]*"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


class BlobNotFound(LookupError):
    """No object has this key."""


class InvalidKey(ValueError):
    """The key could name something outside the store, or does not fit every back end."""


class StoreAddressError(SettingsError, ValueError):
    """The storage address names no store that there is."""


class StoreUnavailable(Unavailable):
    """The store did not answer or refused; nothing was half-written."""

    type: ClassVar[str] = "store-unavailable"
    title: ClassVar[str] = "The object store is not available: try again soon"


class BlobStore(Protocol):
    """Objects by key. Every method raises InvalidKey and StoreUnavailable where they apply."""

    def put(self, key: str, source: BinaryIO) -> int:
        """Stores all of `source` (read to its end; short reads are fine); returns its length in bytes.

        Atomic and durable: once it returns, the object survives power loss; if it raises, whatever the key
        held before is still there whole. An existing object is replaced.
        """

    def read(self, key: str, start: int = 0, end: int | None = None) -> BinaryIO:
        """A stream of bytes `[start, end)`, clipped to the object's length. The caller closes it.

        Raises BlobNotFound, and ValueError for a negative or reversed range.
        """

    def size(self, key: str) -> int:
        """Length in bytes. Raises BlobNotFound."""

    def exists(self, key: str) -> bool:
        """True when the key holds an object."""

    def delete(self, key: str) -> None:
        """Removes the object and every earlier version of it. A key that holds nothing is no error."""

    def purge(self, prefix: str) -> int:
        """Removes everything whose key begins with `prefix`, earlier versions and unfinished uploads included; how
        many versions. `prefix` ends in a slash (ValueError), so that no neighbour goes with it. May be repeated."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """All keys that begin with `prefix`, in the order of their UTF-8 bytes."""

    @property
    def incoming(self) -> IncomingObjects | None:
        """What clients send straight into the store; None where it cannot be reached by them."""


def check_key(key: str) -> str:
    """Returns `key`, or raises InvalidKey unless it is slash-separated segments of safe characters."""
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise InvalidKey(f"not a usable object key: {key[:80]!r}")
    return key


def check_folder(prefix: str) -> str:
    """Returns `prefix`, or raises ValueError unless it is a usable key and a slash."""
    if not prefix.endswith("/"):
        raise ValueError(f"not a folder of objects: {prefix[:80]!r}")
    check_key(prefix.removesuffix("/"))
    return prefix


def check_range(start: int, end: int | None) -> None:
    """Raises ValueError for a range that is negative or reversed."""
    if start < 0 or (end is not None and end < start):
        raise ValueError(f"not a byte range: [{start}, {end})")


def open_store(url: str) -> BlobStore:
    """The store at `file:///directory` or `s3://bucket[/prefix][?endpoint=URL&region=NAME&public=URL&encryption=AES256]`.

    S3 credentials come by boto3's usual chain (environment, shared file, instance role). Raises
    StoreAddressError for any other address.
    """
    from app.storage.local import LocalStore

    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from app.storage.s3 import S3Store

        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := options.keys() - {"endpoint", "region", "public", "encryption"}:
            raise StoreAddressError(f"unknown options in the storage address: {', '.join(sorted(unknown))}")
        try:
            return S3Store(parts.netloc, prefix=parts.path.strip("/"), **options)
        except ValueError as error:
            raise StoreAddressError(f"not a usable storage address: {error}") from None
    raise StoreAddressError(
        f"not a storage address (file:///… or s3://bucket): {parts.scheme}://{parts.netloc}"
    )
