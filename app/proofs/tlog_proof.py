"""Proof files: one entry of the log with all that is needed to check it offline.

Source: C2SP tlog-proof. Its `extra` line holds salt (32 bytes) || canonical entry, base64: the leaf's data is
exactly SHA-256 of what `base64 -d` of that line gives. Stored as `*.tlog-proof`.
"""

import re
from dataclasses import dataclass

from app.proofs.canonical import JSON, SALT_SIZE, entry_leaf_hash, parse_canonical
from app.proofs.checkpoint import Checkpoint, open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import verify_inclusion
from app.proofs.note import NoteVerifier, b64decode, b64encode

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_MAX_PATH = 63


@dataclass(frozen=True)
class ProofBundle:
    """An entry's canonical bytes and salt, its index, its path to the root, and the signed checkpoint."""

    entry: bytes
    salt: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def serialise(self) -> str:
        lines = [_HEADER, f"extra {b64encode(self.salt + self.entry)}", f"index {self.index}"]
        lines += [b64encode(item) for item in self.path]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "ProofBundle":
        """Reads a proof file. Raises ProofError where it is malformed; proves nothing yet."""
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or len(lines) < 3 or lines[0] != _HEADER:
            raise ProofError(f"not a proof file: it must begin with {_HEADER}")
        index = _INDEX.fullmatch(lines[2])
        if not lines[1].startswith("extra ") or index is None or len(lines) > 3 + _MAX_PATH:
            raise ProofError("not a proof file of this log: an extra line and an index must follow the first")
        extra = b64decode(lines[1].removeprefix("extra "))
        path = tuple(b64decode(line) for line in lines[3:])
        return cls(extra[SALT_SIZE:], extra[:SALT_SIZE], int(index[1]), path, checkpoint)


@dataclass(frozen=True)
class VerifiedEntry:
    """What a proof file has proven: this entry stands at `index` of the log that `checkpoint` heads."""

    entry: dict[str, JSON]
    index: int
    checkpoint: Checkpoint


def verify_bundle(bundle: ProofBundle | str, verifier: NoteVerifier) -> VerifiedEntry:
    """Checks signature, path and entry. Raises ProofError unless all of them hold."""
    if isinstance(bundle, str):
        bundle = ProofBundle.parse(bundle)
    checkpoint = open_checkpoint(bundle.checkpoint, verifier)
    leaf = entry_leaf_hash(bundle.salt, bundle.entry)
    verify_inclusion(leaf, bundle.index, checkpoint.size, bundle.path, checkpoint.root)
    return VerifiedEntry(parse_canonical(bundle.entry), bundle.index, checkpoint)
