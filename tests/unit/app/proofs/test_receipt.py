"""Receipts: what is written verifies, and no byte of it can be another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.proofs.canonical import canonical_json
from app.proofs.errors import ProofError
from app.proofs.note import NoteSigner
from app.proofs.receipt import check_file, statement_of, verify_receipt
from tests.factories.receipts import FILM, SIGNER, make_receipt

WHOLE = make_receipt()


def test_what_is_written_verifies_and_says_what_the_entry_says() -> None:
    found = verify_receipt(WHOLE, SIGNER.verifier)
    assert found.statement["kind"] == "hand-over"
    assert (found.statement["filename"], found.statement["size"]) == ("caméra 1.mp4", 6)
    assert found.proven.index == 0
    assert json.loads(WHOLE)["statement"] == found.statement


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(place: int, change: int) -> None:
    altered = bytearray(WHOLE)
    altered[place] ^= change
    with pytest.raises(ProofError):
        verify_receipt(bytes(altered), SIGNER.verifier)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_nothing_can_be_added_or_cut(place: int, added: bytes) -> None:
    for altered in (WHOLE[:place], WHOLE[:place] + added + WHOLE[place:]):
        with pytest.raises(ProofError):
            verify_receipt(altered, SIGNER.verifier)


def test_another_statement_or_key_is_refused() -> None:
    document = json.loads(WHOLE)
    document["statement"]["size"] = 7
    with pytest.raises(ProofError, match="something else"):
        verify_receipt(canonical_json(document) + b"\n", SIGNER.verifier)
    stranger = NoteSigner.generate("log.example/audit").verifier
    with pytest.raises(ProofError, match="another key"):
        verify_receipt(WHOLE, stranger)
    own = json.loads(WHOLE) | {"key": str(stranger)}
    with pytest.raises(ProofError, match="not signed by"):
        verify_receipt(canonical_json(own) + b"\n", stranger)


def test_only_hand_overs_and_erasures_have_papers() -> None:
    with pytest.raises(ProofError, match="neither"):
        make_receipt("recording:viewed")
    assert verify_receipt(make_receipt("recording:erased"), SIGNER.verifier).statement["kind"] == "erasure"
    with pytest.raises(ProofError):
        statement_of({"tag": "recording:received"})


def test_a_file_is_the_one_or_it_is_not(tmp_path: Path) -> None:
    import hashlib

    film = tmp_path / "film.mp4"
    film.write_bytes(FILM)
    said = {"size": 6, "sha256": hashlib.sha256(FILM).hexdigest()}
    check_file(said, film)
    film.write_bytes(b"b film")
    with pytest.raises(ProofError, match="differs"):
        check_file(said, film)
    film.write_bytes(b"longer")
    with pytest.raises(ProofError, match="bytes"):
        check_file(said | {"size": 7}, film)
