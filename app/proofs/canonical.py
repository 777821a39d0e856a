"""The one byte form of an audit entry, and the leaf that stands for it in the public tree.

Bytes: JSON as RFC 8785 (JCS) writes it, narrowed to what PostgreSQL's JSONB gives back unchanged: integers
within ±(2**53 - 1) and no other numbers, strings without NUL or lone surrogates. So an entry read back from
the database hashes as it did when it was written.

Leaf: data = SHA-256(salt || bytes) with 32 random bytes of salt an entry. Without the salt nobody can test a
guess against a tile, so tiles and checkpoints can be public and name nobody.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from app.proofs.errors import ProofError
from app.proofs.merkle import leaf_hash

JSON = None | bool | int | str | Sequence["JSON"] | Mapping[str, "JSON"]
"""What an entry may hold: JSON without fractions (state them as integers of a named unit, or as text)."""

SALT_SIZE = 32
_MAX_INTEGER = 2**53 - 1
_MAX_DEPTH = 32


def canonical_json(value: JSON) -> bytes:
    """The canonical UTF-8 bytes of `value`. Raises ProofError for what has no canonical form."""
    return _encode(value, 0).encode()


def parse_canonical(data: bytes) -> dict[str, JSON]:
    """The object that `data` encodes. Raises ProofError unless `data` is exactly its canonical form."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProofError("the entry is not JSON") from error
    if not isinstance(value, dict):
        raise ProofError("the entry is not a JSON object")
    if canonical_json(value) != data:
        raise ProofError("the entry is not in canonical form")
    return value


def entry_leaf_hash(salt: bytes, entry: bytes) -> bytes:
    """SHA-256(0x00 || SHA-256(salt || entry)). Raises ProofError unless the salt is 32 bytes long."""
    if len(salt) != SALT_SIZE:
        raise ProofError(f"the salt is not {SALT_SIZE} bytes long")
    return leaf_hash(hashlib.sha256(salt + entry).digest())


def _encode(value: JSON, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise ProofError("the value is nested too deep")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise ProofError("an integer is beyond 2**53 - 1: write it as text")
        return str(int(value))
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, Mapping):
        return _encode_object(value, depth)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        return f"[{','.join(_encode(item, depth + 1) for item in value)}]"
    raise ProofError(f"{type(value).__name__} has no canonical form: use integers, text, lists and objects")


def _encode_object(value: Mapping[str, JSON], depth: int) -> str:
    if not all(isinstance(key, str) for key in value):
        raise ProofError("an object's keys must be text")
    pairs = [(_encode_text(key), key, item) for key, item in value.items()]
    pairs.sort(key=lambda pair: pair[1].encode("utf-16-be"))  # RFC 8785 3.2.3: by UTF-16 code units
    return f"{{{','.join(f'{text}:{_encode(item, depth + 1)}' for text, _, item in pairs)}}}"


def _encode_text(value: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ProofError("text must not hold NUL or a lone surrogate")
    return json.dumps(value, ensure_ascii=False)
