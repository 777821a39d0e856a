"""Signed notes and their Ed25519 keys, the envelope of every checkpoint.

Source: C2SP signed-note (type 0x01); key strings as golang.org/x/mod/sumdb/note writes them:
`name+hhhhhhhh+base64(0x01 || public key)` and `PRIVATE+KEY+name+hhhhhhhh+base64(0x01 || seed)`.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.proofs.errors import ProofError

_ED25519 = b"\x01"
_DASH = "\u2014"
_MAX_NOTE = 1 << 20
_MAX_SIGNATURES = 100


def b64decode(text: str) -> bytes:
    """Standard base64, strictly: one text for each byte string. Raises ProofError otherwise."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProofError("not base64") from error
    if b64encode(data) != text:
        raise ProofError("not canonical base64")
    return data


def b64encode(data: bytes) -> str:
    """Standard base64 as text."""
    return base64.b64encode(data).decode("ascii")


@dataclass(frozen=True)
class NoteVerifier:
    """A key that a reader trusts: the name and public half of one signer."""

    name: str
    public_key: Ed25519PublicKey

    @classmethod
    def parse(cls, text: str) -> "NoteVerifier":
        """Reads `name+hash+key`. Raises ProofError for a malformed key or a hash that does not match it."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise ProofError("not a verifier key: expected name+hash+key")
        verifier = cls(_check_name(parts[0]), Ed25519PublicKey.from_public_bytes(_key_bytes(parts[2])))
        if verifier.key_id.hex() != parts[1]:
            raise ProofError("the verifier key's hash does not match the key")
        return verifier

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name || newline || 0x01 || public key)."""
        public = self.public_key.public_bytes_raw()
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64encode(_ED25519 + self.public_key.public_bytes_raw())}"


@dataclass(frozen=True)
class NoteSigner:
    """A log's own signing key, with the name that its signature lines carry."""

    name: str
    private_key: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> "NoteSigner":
        return cls(_check_name(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> "NoteSigner":
        """Reads `PRIVATE+KEY+name+hash+key`. Raises ProofError; the message never holds the key."""
        parts = text.strip().split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise ProofError("not a signing key: expected PRIVATE+KEY+name+hash+key")
        signer = cls(_check_name(parts[2]), Ed25519PrivateKey.from_private_bytes(_key_bytes(parts[4])))
        if signer.verifier.key_id.hex() != parts[3]:
            raise ProofError("the signing key's hash does not match the key")
        return signer

    @property
    def verifier(self) -> NoteVerifier:
        return NoteVerifier(self.name, self.private_key.public_key())

    def serialise(self) -> str:
        """The private key as text: for a file that only the service reads."""
        seed = b64encode(_ED25519 + self.private_key.private_bytes_raw())
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{seed}"

    def sign(self, text: str) -> str:
        """The note over `text`, which must end in a newline and hold no other control character."""
        if not text.endswith("\n") or _has_control(text):
            raise ProofError("a note's text must end in a newline and hold no other control character")
        signature = b64encode(self.verifier.key_id + self.private_key.sign(text.encode()))
        return f"{text}\n{_DASH} {self.name} {signature}\n"


def open_note(note: str, verifier: NoteVerifier) -> str:
    """The text that `verifier`'s key signed.

    Signatures of other keys are ignored. Raises ProofError for a malformed note, or unless the key's
    signature is there and every one under its name and id is right.
    """
    text, lines = _split_note(note)
    verified = False
    for line in lines:
        name, key_id, signature = _parse_signature(line)
        if (name, key_id) != (verifier.name, verifier.key_id):
            continue
        try:
            verifier.public_key.verify(signature, text.encode())
        except InvalidSignature as error:
            raise ProofError(f"the signature of {name} is wrong") from error
        verified = True
    if not verified:
        raise ProofError(f"the note is not signed by {verifier.name}+{verifier.key_id.hex()}")
    return text


def _split_note(note: str) -> tuple[str, list[str]]:
    if len(note) > _MAX_NOTE or not note.endswith("\n") or _has_control(note):
        raise ProofError("not a signed note")
    text, separator, signatures = note.rpartition("\n\n")
    lines = signatures.splitlines()
    if not separator or not lines or len(lines) > _MAX_SIGNATURES:
        raise ProofError("not a signed note")
    return text + "\n", lines


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise ProofError("not a signature line")
    data = b64decode(parts[2])
    if len(data) < 5:
        raise ProofError("a signature is too short")
    return _check_name(parts[1]), data[:4], data[4:]


def _key_bytes(text: str) -> bytes:
    data = b64decode(text)
    if len(data) != 33 or data[:1] != _ED25519:
        raise ProofError("not an Ed25519 key")
    return data[1:]


def _check_name(name: str) -> str:
    if not name or "+" in name or any(character.isspace() for character in name) or _has_control(name):
        raise ProofError("a key's name must not be empty or hold spaces or '+'")
    return name


def _has_control(text: str) -> bool:
    return any(
        (character < " " and character != "\n") or "\ud800" <= character <= "\udfff" for character in text
    )
