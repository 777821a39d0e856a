"""The signing key's file: made once, private, refused where it cannot be used."""

import stat
from pathlib import Path

import pytest

from app.audit.keys import create_checkpoint_key, load_checkpoint_key, origin_of, public_half
from app.proofs.note import NoteVerifier
from app.settings import SettingsError


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "keys with space" / "checkpoint.key"
    signer = create_checkpoint_key(path.as_uri(), "log.example/audit")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_checkpoint_key(path.as_uri()).serialise() == signer.serialise()
    assert str(NoteVerifier.parse(public_half(path).read_text())) == str(signer.verifier)
    with pytest.raises(FileExistsError):
        create_checkpoint_key(path.as_uri(), "log.example/audit")


def test_the_origin_is_the_logs_address_without_scheme() -> None:
    assert origin_of("https://partners.example/") == "partners.example/log"
    assert origin_of("http://127.0.0.1:8001") == "127.0.0.1:8001/log"


@pytest.mark.parametrize(
    "uri", ["", "checkpoint.key", "kms://key", "file://host/key", "file:", "https://a/b"]
)
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="CORDON_CHECKPOINT_KEY"):
        load_checkpoint_key(uri)


def test_a_missing_or_broken_key_says_what_to_do_and_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.key"
    with pytest.raises(SettingsError, match="cordon init"):
        load_checkpoint_key(path.as_uri())
    create_checkpoint_key(path.as_uri(), "log.example/audit")
    broken = path.read_text().strip()[:-3]
    path.write_text(broken)
    with pytest.raises(SettingsError, match="cannot be used") as caught:
        load_checkpoint_key(path.as_uri())
    assert broken[-20:] not in str(caught.value)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be used"):
        load_checkpoint_key(path.as_uri())
