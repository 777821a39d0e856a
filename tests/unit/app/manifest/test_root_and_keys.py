"""The root of trust, its fingerprint, and the key files that sign."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from app.manifest import keys, root
from app.manifest.errors import ManifestError, VerificationError
from tests.factories.collection import Keys, signer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("role", "count"), [("root", 2), ("people", 1), ("snapshot", 0), ("timestamp", 0)])
def test_a_root_with_too_few_keys_is_refused(role: str, count: int) -> None:
    made = Keys()
    setattr(made, role, getattr(made, role)[:count])
    with pytest.raises(ManifestError, match="different keys"):
        root.compose_root("repo", made.for_root(), NOW)


def test_a_key_serves_one_role() -> None:
    made = Keys()
    made.timestamp = made.snapshot
    with pytest.raises(ManifestError, match="given twice"):
        root.compose_root("repo", made.for_root(), NOW)


@pytest.mark.parametrize("who", ["one", "stranger"])
def test_a_root_needs_two_of_its_keys(who: str) -> None:
    made = Keys()
    composed = root.compose_root("repo", made.for_root(), NOW)
    with pytest.raises(ManifestError, match="not signed by enough"):
        root.sign_root(composed, {"one": made.root[:1], "stranger": [made.root[0], signer()]}[who])
    with pytest.raises(VerificationError, match="not a properly signed"):
        root.parse_root(composed.to_bytes())


def test_the_fingerprint_is_the_roots_and_not_its_signers() -> None:
    made = Keys()
    prints = []
    for signers in (made.root[:2], made.root[1:], made.root):
        composed = root.compose_root("repo", made.for_root(), NOW)
        root.sign_root(composed, signers)
        prints.append(root.fingerprint(root.parse_root(composed.to_bytes())))
    assert len(set(prints)) == 1


def test_keys_are_read_from_a_uri_encrypted_or_plain(tmp_path: Path) -> None:
    for name, passphrase in (("plain", None), ("with space", "correct horse")):
        path = tmp_path / f"{name}.pem"
        path.write_bytes(keys.new_private_pem(passphrase).private)
        assert (b"ENCRYPTED" in path.read_bytes()) == bool(passphrase)
        loaded = keys.load_signer(path.as_uri(), lambda: "correct horse")
        assert keys.key_from_dict(keys.key_to_dict(loaded.public_key)).keyid == loaded.public_key.keyid
        loaded.public_key.verify_signature(loaded.sign(b"data"), b"data")
        with pytest.raises(ManifestError, match="holds another key"):
            keys.load_signer(path.as_uri(), lambda: "correct horse", signer().public_key)


def test_a_key_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    with pytest.raises(ManifestError, match="cannot be read"):
        keys.load_signer(path.as_uri())
    path.write_bytes(keys.new_private_pem("right").private)
    with pytest.raises(ManifestError, match="its passphrase is needed"):
        keys.load_signer(path.as_uri())
    with pytest.raises(ManifestError, match="wrong passphrase"):
        keys.load_signer(path.as_uri(), lambda: "wrong")
    path.write_text("junk")
    with pytest.raises(ManifestError, match="not a PEM key"):
        keys.load_signer(path.as_uri())
    with pytest.raises(ManifestError, match="needs its public key"):
        keys.load_signer("awskms:alias/x")
    with pytest.raises(ManifestError, match="cannot be used"):
        keys.load_signer("nokms:alias/x", public_key=signer().public_key)
    with pytest.raises(ManifestError, match="needs a passphrase"):
        keys.new_private_pem("")


@pytest.mark.parametrize(
    "change",
    [{"keytype": "rsa"}, {"keyval": {}}, {"keyval": {"public": "zz"}}, {"keyid": "0" * 64}, {"keyval": None}],
)
def test_a_foreign_or_malformed_public_key_is_refused(change: dict) -> None:
    document = keys.key_to_dict(CryptoSigner.generate_ed25519().public_key)
    with pytest.raises(ManifestError):
        keys.key_from_dict(document | change)
