"""Receipts of a log that a test makes up: true to the last byte, of footage that nobody has."""

from __future__ import annotations

from typing import Any

from app.proofs.canonical import canonical_json, entry_leaf_hash
from app.proofs.checkpoint import Checkpoint
from app.proofs.merkle import leaf_hash, root_hash
from app.proofs.note import NoteSigner
from app.proofs.receipt import write_receipt
from app.proofs.tlog_proof import ProofBundle

SIGNER = NoteSigner.generate("log.example/audit")
FILM = b"a film"
DETAILS = {
    "filename": "caméra 1.mp4",
    "size": len(FILM),
    "sha256": "0c6a4ba8a5c5f4a2d4a1fbf06ed1f5bf7c8bcc9b9ac1e4d9c0f4a8d9f1e2b3c4",
}


def make_receipt(tag: str = "recording:received", recording: str = "1", **details: Any) -> bytes:
    """The receipt of one entry in a log of two."""
    entry = canonical_json(
        {
            "tag": tag,
            "at": "2026-01-01T00:00:00.000000Z",
            "subject": {"id": recording},
            "details": {**DETAILS, **details},
        }
    )
    salt, other = b"s" * 32, leaf_hash(b"other")
    root = root_hash([entry_leaf_hash(salt, entry), other])
    note = Checkpoint(SIGNER.name, 2, root).sign(SIGNER)
    return write_receipt(ProofBundle(entry, salt, 0, (other,), note), SIGNER.verifier)
