"""Receipts: what the log says of one recording, readable, with the proof that the log says it.

A receipt (`*.json`) is one JSON object in RFC 8785 form and a newline: `format`, `key` (the log's verifier key),
`proof` (a C2SP tlog-proof, word for word) and `statement`, which says again what the proven entry says so that a person
can read it. Nothing in the file is unproven: the statement must be the entry's, the key the reader's own.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.proofs.canonical import JSON, canonical_json, parse_canonical
from app.proofs.errors import ProofError
from app.proofs.note import NoteVerifier
from app.proofs.tlog_proof import ProofBundle, VerifiedEntry, verify_bundle

FORMAT = "cordon-receipt-1"
KINDS = {"recording:received": "hand-over", "recording:erased": "erasure"}
_READ_SIZE = 2**20


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a receipt has proven."""

    statement: dict[str, JSON]
    proven: VerifiedEntry


def statement_of(entry: dict[str, JSON]) -> dict[str, JSON]:
    """What a receipt says for a log entry: its details, with `kind`, `at` and the `recording`'s id.

    Raises ProofError for an entry that no receipt speaks of.
    """
    tag, subject, details = entry.get("tag"), entry.get("subject"), entry.get("details")
    if tag not in KINDS or not isinstance(subject, dict) or not isinstance(details, dict):
        raise ProofError("the entry is neither of a hand-over nor of an erasure")
    about: dict[str, JSON] = {"kind": KINDS[str(tag)], "at": entry.get("at"), "recording": subject.get("id")}
    return {**details, **about}


def write_receipt(bundle: ProofBundle, verifier: NoteVerifier) -> bytes:
    """The receipt's file. Raises ProofError for an entry that no receipt speaks of."""
    statement = statement_of(parse_canonical(bundle.entry))
    document: dict[str, JSON] = {"format": FORMAT, "key": str(verifier), "statement": statement}
    return canonical_json({**document, "proof": bundle.serialise()}) + b"\n"


def verify_receipt(data: bytes, verifier: NoteVerifier) -> VerifiedReceipt:
    """Checks every byte of a receipt. Raises ProofError unless all of it holds under the reader's own key."""
    if not data.endswith(b"\n"):
        raise ProofError("the receipt is cut off")
    document = parse_canonical(data[:-1])
    proof = document.get("proof")
    if document.keys() != {"format", "key", "proof", "statement"} or document["format"] != FORMAT:
        raise ProofError(f"not a receipt of the format {FORMAT}")
    if document["key"] != str(verifier):
        raise ProofError("the receipt names another key than the one given")
    if not isinstance(proof, str):
        raise ProofError("the receipt holds no proof")
    bundle = ProofBundle.parse(proof)
    if bundle.serialise() != proof:
        raise ProofError("the receipt's proof is not in its one form")
    proven = verify_bundle(bundle, verifier)
    statement = statement_of(proven.entry)
    if document["statement"] != statement:
        raise ProofError("the receipt states something else than its proven entry")
    return VerifiedReceipt(statement, proven)


def check_file(statement: dict[str, JSON], path: Path) -> None:
    """Compares a file with the size and SHA-256 that a receipt states. Raises ProofError, OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_SIZE):
            digest.update(piece)
            size += len(piece)
    if size != statement.get("size"):
        raise ProofError(f"{path.name} has {size} bytes, the receipt says {statement.get('size')}")
    if digest.hexdigest() != statement.get("sha256"):
        raise ProofError(f"{path.name} is not the file that the receipt speaks of: its SHA-256 differs")
