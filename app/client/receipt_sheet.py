"""A receipt as a person reads it: plain text, for the screen or the printer."""

from __future__ import annotations

from typing import Final

from app.client.errors import ClientError
from app.proofs.canonical import JSON, parse_canonical
from app.proofs.errors import ProofError
from app.proofs.note import NoteVerifier
from app.proofs.receipt import VerifiedReceipt, verify_receipt

_WIDTH: Final = 16


def sheet(data: bytes, name: str) -> str:
    """The receipt `data` on a sheet; `name` is what its file is called. Raises ClientError for one that proves nothing.

    The key is the one that the receipt names: whoever checks it takes the log's key from elsewhere.
    """
    try:
        key = parse_canonical(data.rstrip(b"\n")).get("key")
        found = verify_receipt(data, NoteVerifier.parse(str(key)))
    except ProofError as error:
        raise ClientError(f"the service gave a receipt that does not hold: {error}") from error
    erased = found.statement["kind"] == "erasure"
    title = "CERTIFICATE OF ERASURE" if erased else "RECEIPT"
    rows = [*_rows(found.statement), *_place(found), ("Key of the log", key)]
    lines = [f"{label:<{_WIDTH}}{value}" for label, value in rows if value]
    check = f"Check it anywhere, without the service:\n  cordon audit verify {name} --key checkpoint.key.pub"
    return "\n".join([title, "=" * len(title), *lines, "", check])


def _rows(said: dict[str, JSON]) -> list[tuple[str, JSON]]:
    joined = said.get("joined_from")
    return [
        ("File", said.get("filename")),
        ("Size", f"{said.get('size')} bytes"),
        ("SHA-256", said.get("sha256")),
        ("Recording", said.get("recording")),
        ("Exercise", _both(said, "exercise_title", "exercise")),
        ("Force", _both(said, "force_name", "force")),
        ("Sending began", said.get("sending_began")),
        ("Joined from", ", ".join(joined) if isinstance(joined, dict) else None),
        ("Received", said.get("received")),
        ("Erased", said.get("at") if said["kind"] == "erasure" else None),
    ]


def _both(said: dict[str, JSON], name: str, identifier: str) -> str:
    return " ".join(str(said[member]) for member in (name, identifier) if said.get(member))


def _place(found: VerifiedReceipt) -> list[tuple[str, JSON]]:
    head = found.proven.checkpoint
    entry = f"{found.proven.index} of {head.size}"
    return [("Log", head.origin), ("Entry", entry), ("Root", head.root.hex())]
