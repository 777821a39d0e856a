"""Checkpoints: the signed head of the log at one size.

Source: C2SP tlog-checkpoint: origin, size and base64 root on a line each, as a signed note whose key's name is
the origin.
"""

import re
from dataclasses import dataclass

from app.proofs.errors import ProofError
from app.proofs.merkle import HASH_SIZE
from app.proofs.note import NoteSigner, NoteVerifier, b64decode, b64encode, open_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """`size` leaves of the log `origin` hash to `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root)}\n"

    def sign(self, signer: NoteSigner) -> str:
        """The checkpoint as a signed note. Raises ProofError unless the key bears the origin's name."""
        if signer.name != self.origin:
            raise ProofError(f"the key of {signer.name} cannot sign for {self.origin}")
        return signer.sign(self.body())


def open_checkpoint(note: str, verifier: NoteVerifier) -> Checkpoint:
    """The checkpoint that `verifier`'s key signed; extension lines are allowed and ignored.

    Raises ProofError unless the signature is right, the body is well formed and its origin is the key's name.
    """
    origin, *rest = open_note(note, verifier).removesuffix("\n").split("\n")
    if len(rest) < 2 or not all(rest) or not _SIZE.fullmatch(rest[0]):
        raise ProofError("not a checkpoint")
    root = b64decode(rest[1])
    if len(root) != HASH_SIZE:
        raise ProofError("the checkpoint's root is not a SHA-256 hash")
    if origin != verifier.name:
        raise ProofError(f"the checkpoint is of {origin}, not of {verifier.name}")
    return Checkpoint(origin, int(rest[0]), root)
