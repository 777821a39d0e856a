"""Signed notes and keys, against the vector of golang.org/x/mod/sumdb/note and against mangling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.proofs.checkpoint import Checkpoint, open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import EMPTY_ROOT
from app.proofs.note import NoteSigner, NoteVerifier, b64decode, open_note

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdng"
    "otpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = NoteSigner.generate("log.example/audit")


def test_the_published_note_opens() -> None:
    assert open_note(GO_NOTE, NoteVerifier.parse(GO_KEY)) == GO_TEXT
    assert str(NoteVerifier.parse(GO_KEY)) == GO_KEY


def test_no_mangled_verifier_key_is_accepted() -> None:
    for position in range(len(GO_KEY)):
        mangled = GO_KEY[:position] + chr(ord(GO_KEY[position]) + 1) + GO_KEY[position + 1 :]
        with pytest.raises(ProofError):
            NoteVerifier.parse(mangled)
        with pytest.raises(ProofError):
            NoteVerifier.parse(GO_KEY[:position])


def test_a_signing_key_round_trips_and_is_not_shown() -> None:
    text = SIGNER.serialise()
    assert str(NoteSigner.parse(text + "\n").verifier) == str(SIGNER.verifier)
    for mangled in (text[:-1], text.replace("PRIVATE", "PUBLIC"), text.replace("audit", "other"), ""):
        with pytest.raises(ProofError) as caught:
            NoteSigner.parse(mangled)
        assert text[-40:] not in str(caught.value)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60))
def test_any_text_signs_and_opens(line: str) -> None:
    text = f"{line}\n\nlast\n"
    assert open_note(SIGNER.sign(text), SIGNER.verifier) == text


@given(st.data())
def test_no_changed_note_opens(data: st.DataObject) -> None:
    note = SIGNER.sign("origin\n12\nroot\n").encode()
    position = data.draw(st.integers(0, len(note) - 1))
    changed = bytearray(note)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProofError):
        open_note(changed.decode("utf-8", errors="replace"), SIGNER.verifier)


def test_signatures_of_other_keys_are_ignored_but_a_false_one_is_not() -> None:
    text = "origin\n"
    note, other = SIGNER.sign(text), NoteSigner.generate("witness.example").sign(text)
    foreign = other.rsplit("\n\n", 1)[1]
    assert open_note(note + foreign, SIGNER.verifier) == text
    with pytest.raises(ProofError, match="not signed by"):
        open_note(other, SIGNER.verifier)
    false = SIGNER.sign("another\n").rsplit("\n\n", 1)[1]
    with pytest.raises(ProofError, match="wrong"):
        open_note(note + false, SIGNER.verifier)


def test_a_key_of_the_same_name_is_another_key() -> None:
    with pytest.raises(ProofError, match="not signed by"):
        open_note(SIGNER.sign("x\n"), NoteSigner.generate(SIGNER.name).verifier)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_names_that_a_signature_line_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(ProofError):
        NoteSigner.generate(name)


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "carriage\r\n"])
def test_text_that_a_note_cannot_carry_is_not_signed(text: str) -> None:
    with pytest.raises(ProofError):
        SIGNER.sign(text)


@pytest.mark.parametrize("text", ["YQ", "YR==", "Y Q==", "YQ==\n", "é"])
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(ProofError):
        b64decode(text)


@given(st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_round_trips(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(SIGNER.name, size, root)
    assert open_checkpoint(checkpoint.sign(SIGNER), SIGNER.verifier) == checkpoint


def test_a_checkpoint_may_carry_extension_lines() -> None:
    checkpoint = Checkpoint(SIGNER.name, 1, EMPTY_ROOT)
    assert open_checkpoint(SIGNER.sign(checkpoint.body() + "more\n"), SIGNER.verifier) == checkpoint


@pytest.mark.parametrize(
    "body",
    [
        "other.example\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example/audit\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example/audit\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "log.example/audit\n1\nYQ==\n",
        "log.example/audit\n1\n",
        "log.example/audit\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nmore\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(ProofError):
        open_checkpoint(SIGNER.sign(body), SIGNER.verifier)


def test_a_key_signs_for_its_own_origin_only() -> None:
    with pytest.raises(ProofError, match="cannot sign"):
        Checkpoint("other.example", 0, EMPTY_ROOT).sign(SIGNER)
