"""Canonical entries and proof files: one byte form, checked offline, refused when anything in them changes."""

import base64
import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.proofs.canonical import JSON, canonical_json, entry_leaf_hash, parse_canonical
from app.proofs.checkpoint import Checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import inclusion_proof, leaf_hash, root_hash
from app.proofs.note import NoteSigner
from app.proofs.tlog_proof import ProofBundle, verify_bundle

SIGNER = NoteSigner.generate("log.example/audit")
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=10,
)
entries = st.dictionaries(text, values, max_size=5)


def make_bundle(entry: dict[str, JSON], index: int = 3, size: int = 7) -> ProofBundle:
    encoded, salt = canonical_json(entry), bytes(range(32))
    leaves = [leaf_hash(bytes([number])) for number in range(size)]
    leaves[index] = entry_leaf_hash(salt, encoded)
    checkpoint = Checkpoint(SIGNER.name, size, root_hash(leaves)).sign(SIGNER)
    return ProofBundle(encoded, salt, index, tuple(inclusion_proof(leaves, index)), checkpoint)


def test_keys_are_sorted_by_utf16_and_text_is_escaped_as_rfc_8785_has_it() -> None:
    value: JSON = {"\ufb33": 1, "\U0001f600": 2, "b": ['\x0f\n"\\/\u20ac', None, True, -5], "a": {}}
    expected = '{"a":{},"b":["\\u000f\\n\\"\\\\/\u20ac",null,true,-5],"\U0001f600":2,"\ufb33":1}'
    assert canonical_json(value).decode() == expected


@given(entries)
def test_the_canonical_form_is_json_and_comes_back(entry: dict[str, JSON]) -> None:
    encoded = canonical_json(entry)
    assert json.loads(encoded) == entry
    assert parse_canonical(encoded) == entry


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53, "\0", "\ud800", {"\0": 1}, b"bytes", {1: 2}, object()]
)
def test_what_has_no_canonical_form_is_refused(value: JSON) -> None:
    with pytest.raises(ProofError):
        canonical_json({"value": value})


def test_nesting_is_bounded() -> None:
    value: JSON = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(ProofError, match="nested"):
        canonical_json(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1.0}', b"{", b"[" * 9999, b"\xff"],
)
def test_another_spelling_of_an_entry_is_refused(data: bytes) -> None:
    with pytest.raises(ProofError):
        parse_canonical(data)


@settings(max_examples=30)
@given(entries, st.integers(1, 40), st.data())
def test_a_proof_file_verifies(entry: dict[str, JSON], size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    bundle = make_bundle(entry, index, size)
    assert ProofBundle.parse(bundle.serialise()) == bundle
    verified = verify_bundle(bundle.serialise(), SIGNER.verifier)
    assert (verified.entry, verified.index, verified.checkpoint.size) == (entry, index, size)


@given(st.data())
def test_no_changed_proof_file_verifies(data: st.DataObject) -> None:
    serialised = make_bundle({"tag": "upload:complete"}).serialise().encode()
    position = data.draw(st.integers(0, len(serialised) - 1))
    changed = bytearray(serialised)
    changed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ProofError):
        verify_bundle(changed.decode("utf-8", errors="replace"), SIGNER.verifier)


def test_a_cut_proof_file_is_refused() -> None:
    serialised = make_bundle({"tag": "upload:complete"}).serialise()
    for length in range(len(serialised)):
        with pytest.raises(ProofError):
            verify_bundle(serialised[:length], SIGNER.verifier)


def test_another_logs_key_proves_nothing() -> None:
    with pytest.raises(ProofError, match="not signed by"):
        verify_bundle(make_bundle({}), NoteSigner.generate(SIGNER.name).verifier)


def test_an_entry_that_is_not_canonical_is_refused_even_where_its_hash_is_in_the_tree() -> None:
    salt, entry = bytes(32), b'{"a": 1}'
    leaf = entry_leaf_hash(salt, entry)
    bundle = ProofBundle(entry, salt, 0, (), Checkpoint(SIGNER.name, 1, leaf).sign(SIGNER))
    with pytest.raises(ProofError, match="canonical"):
        verify_bundle(bundle, SIGNER.verifier)


def test_the_extra_line_is_the_preimage_of_the_leaf() -> None:
    bundle = make_bundle({"tag": "upload:complete"}, 0, 1)
    extra = base64.b64decode(bundle.serialise().split("\n")[1].removeprefix("extra "))
    assert leaf_hash(hashlib.sha256(extra).digest()) == root_hash(
        [entry_leaf_hash(bundle.salt, bundle.entry)]
    )


def test_checking_a_proof_loads_no_server_library() -> None:
    code = (
        "import sys, app.proofs.tlog_proof, app.proofs.tiles\n"
        "names = {'flask', 'sqlalchemy', 'marshmallow', 'psycopg', 'werkzeug', 'app.core'}\n"
        "print(sorted(names & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
