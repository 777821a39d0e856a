"""Encryption at rest: AES-256-GCM in chunks, so that a player can seek and nothing can be altered unseen.

Format, version 1 (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015, with a key
derived for each object as in Tink's AES-GCM-HKDF streaming):

    header   32 bytes: magic "CRDNENV" + 0x01, chunk size (uint32, big endian), salt (20 random bytes)
    chunks   each `chunk size` bytes of plaintext (the last: fewer; an empty object has one empty chunk),
             encrypted, followed by its 16-byte tag

    key      HKDF-SHA-256(data key, salt, info = "cordon envelope" ‖ header[:12] ‖ object key)
    nonce    3 zero bytes ‖ chunk index (uint64, big endian) ‖ 1 for the last chunk, else 0

A flipped bit, a chunk moved, a tail cut off or an object put under another's key all fail the tag.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.storage.base import BlobStore, check_range
from app.storage.streams import PieceReader, as_binary, read_full

MAGIC = b"CRDNENV\x01"
SALT_SIZE = 20
HEADER_SIZE = 32
TAG_SIZE = 16
CHUNK_SIZE = 256 * 2**10
MIN_CHUNK, MAX_CHUNK = 16, 64 * 2**20
_FIXED = struct.Struct(">8sI")
_NONCE = struct.Struct(">3xQ?")


class IntegrityError(Exception):
    """The stored bytes are not those that were written under this object key with this data key."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where plaintext lies inside an envelope of `stored` bytes with chunks of `chunk` bytes."""

    stored: int
    chunk: int

    @property
    def chunks(self) -> int:
        """How many chunks there are. Raises IntegrityError for a length that no envelope has."""
        body = self.stored - HEADER_SIZE
        count = -(-body // (self.chunk + TAG_SIZE))
        if body < TAG_SIZE or body - (count - 1) * (self.chunk + TAG_SIZE) < TAG_SIZE + (count > 1):
            raise IntegrityError("the object was cut off")
        return count

    @property
    def plain(self) -> int:
        """Length of the plaintext in bytes."""
        return self.stored - HEADER_SIZE - TAG_SIZE * self.chunks

    def offset(self, index: int) -> int:
        """Where chunk `index` begins in the stored object."""
        return HEADER_SIZE + index * (self.chunk + TAG_SIZE)


def _cipher(data_key: bytes, header: bytes, blob_key: str) -> AESGCM:
    info = b"cordon envelope" + header[: _FIXED.size] + blob_key.encode()
    return AESGCM(HKDF(SHA256(), 32, header[_FIXED.size :], info).derive(data_key))


def encrypt(data_key: bytes, blob_key: str, source: BinaryIO, *, chunk: int = CHUNK_SIZE) -> Iterator[bytes]:
    """The envelope of all of `source`, piece by piece, bound to `blob_key`. `data_key` is 32 bytes."""
    header = _FIXED.pack(MAGIC, chunk) + os.urandom(SALT_SIZE)
    cipher = _cipher(data_key, header, blob_key)
    yield header
    index, piece, last = 0, read_full(source, chunk), False
    while not last:
        ahead = read_full(source, chunk) if len(piece) == chunk else b""
        last = not ahead
        yield cipher.encrypt(_NONCE.pack(index, last), piece, None)
        index, piece = index + 1, ahead


def parse_header(header: bytes) -> int:
    """The chunk size in bytes. Raises IntegrityError unless this begins an envelope of a known version."""
    if len(header) != HEADER_SIZE or header[:8] != MAGIC:
        raise IntegrityError("not an encrypted object of a known version")
    chunk: int = _FIXED.unpack_from(header)[1]
    if not MIN_CHUNK <= chunk <= MAX_CHUNK:
        raise IntegrityError("not a usable chunk size")
    return chunk


def plain_size(store: BlobStore, blob_key: str) -> int:
    """Length of the plaintext in bytes, from the header and the stored length (the last chunk's tag proves it
    once it is read)."""
    stored = store.size(blob_key)
    return Layout(stored, parse_header(_read_header(store, blob_key))).plain


def _read_header(store: BlobStore, blob_key: str) -> bytes:
    with store.read(blob_key, 0, HEADER_SIZE) as stream:
        return stream.read(HEADER_SIZE)


def decrypt(
    store: BlobStore, data_key: bytes, blob_key: str, start: int = 0, end: int | None = None
) -> PieceReader:
    """Plaintext bytes `[start, end)`, clipped; only the chunks they touch are read and decrypted.

    Raises BlobNotFound at once, IntegrityError at once or while reading, ValueError for a bad range.
    """
    check_range(start, end)
    header = _read_header(store, blob_key)
    layout = Layout(store.size(blob_key), parse_header(header))
    end = layout.plain if end is None else min(end, layout.plain)
    start = min(start, layout.plain)
    if start >= end and layout.plain:
        return PieceReader(iter(()))
    first, last = start // layout.chunk, max(0, end - 1) // layout.chunk
    stream = store.read(blob_key, layout.offset(first), min(layout.offset(last + 1), layout.stored))
    pieces = _decrypt_chunks(_cipher(data_key, header, blob_key), stream, layout, first, last)
    return PieceReader(_trimmed(pieces, start - first * layout.chunk, end - start), stream.close)


def _decrypt_chunks(
    cipher: AESGCM, stream: BinaryIO, layout: Layout, first: int, last: int
) -> Iterator[bytes]:
    final = layout.chunks - 1
    for index in range(first, last + 1):
        sealed = read_full(stream, layout.chunk + TAG_SIZE)
        try:
            yield cipher.decrypt(_NONCE.pack(index, index == final), sealed, None)
        except (InvalidTag, ValueError):
            raise IntegrityError(f"chunk {index} of the object was altered") from None


def _trimmed(pieces: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    for piece in pieces:
        part = piece[skip : skip + length] if skip or len(piece) > length else piece
        skip, length = 0, length - len(part)
        if part:
            yield part


def encrypting_stream(data_key: bytes, blob_key: str, source: BinaryIO) -> BinaryIO:
    """`encrypt` as a stream that a BlobStore can put."""
    return as_binary(PieceReader(encrypt(data_key, blob_key, source)))


def encrypt_bytes(data_key: bytes, blob_key: str, plain: bytes, *, chunk: int = CHUNK_SIZE) -> bytes:
    """The whole envelope of a small object."""
    return b"".join(encrypt(data_key, blob_key, io.BytesIO(plain), chunk=chunk))
