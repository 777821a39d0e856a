"""The targets role: two different people sign exactly the release that they were shown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tuf.api.metadata import Metadata, Targets

from app.manifest import signoff
from app.manifest.errors import ManifestError, VerificationError
from app.manifest.listing import FileEntry
from app.manifest.release import release_path
from tests.factories.collection import Collection, signer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def collection() -> Collection:
    return Collection(now=lambda: NOW)


@pytest.fixture
def payload(collection: Collection) -> bytes:
    files, _ = collection.build("release-1", 3, "", 8192)
    return collection.compose("release-1", files)


def test_two_people_make_a_release(collection: Collection, payload: bytes) -> None:
    metadata = collection.sign(payload)
    assert len(metadata.signatures) == 2
    assert metadata.signed_bytes == payload


def test_one_person_does_not(collection: Collection, payload: bytes) -> None:
    with pytest.raises(VerificationError, match="signed by 1 of 2 people"):
        signoff.assemble_targets(collection.state.root, payload, [collection.detached(payload, 0)])


def test_one_person_with_two_keys_does_not(collection: Collection, payload: bytes) -> None:
    both = [collection.detached(payload, 0), replace(collection.detached(payload, 1), person="person-0")]
    with pytest.raises(VerificationError, match="one person signed twice"):
        signoff.assemble_targets(collection.state.root, payload, both)


def test_one_key_given_twice_does_not(collection: Collection, payload: bytes) -> None:
    first = collection.detached(payload, 0)
    with pytest.raises(VerificationError, match="signed twice"):
        signoff.assemble_targets(collection.state.root, payload, [first, replace(first, person="person-1")])


def test_a_foreign_key_is_refused(collection: Collection, payload: bytes) -> None:
    stranger = signer()
    with pytest.raises(VerificationError, match="not one that signs this collection"):
        signoff.verify_signature(
            collection.state.root, payload, stranger.public_key.keyid, stranger.sign(payload).signature
        )


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64])
def test_a_wrong_signature_is_refused(collection: Collection, payload: bytes, signature: str) -> None:
    keyid = collection.keys.people[0].public_key.keyid
    with pytest.raises(VerificationError, match="is wrong"):
        signoff.verify_signature(collection.state.root, payload, keyid, signature)


def digest_of(payload: bytes) -> str:
    return str(json.loads(payload)["x-release"]["manifest_sha256"])


def test_an_approver_checks_what_it_signs(payload: bytes) -> None:
    digest = digest_of(payload)
    signoff.check_payload(payload, "repo-one", "release-1", digest)
    for arguments in (
        ("repo-two", "release-1", digest),
        ("repo-one", "release-2", digest),
        ("repo-one", "release-1", "0" * 64),
    ):
        with pytest.raises(VerificationError):
            signoff.check_payload(payload, *arguments)


def altered(payload: bytes, change: object) -> bytes:
    document = json.loads(payload)
    change(document)  # type: ignore[operator]
    return Metadata(Targets.from_dict(document)).signed_bytes


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["targets"].update({"shards/1.tar": {"length": 1, "hashes": {"sha256": "0" * 64}}}),
        lambda d: d["targets"].update({"releases/x/a": {"length": 1, "hashes": {"sha256": "0" * 64}}}),
        lambda d: d["targets"].pop("releases/release-1/manifest.jsonl"),
        lambda d: d["targets"]["releases/release-1/manifest.jsonl"]["hashes"].update({"sha256": "0" * 64}),
        lambda d: d["delegations"]["roles"][0].update({"threshold": 1}),
        lambda d: d["delegations"]["roles"][0].update({"paths": ["*"]}),
        lambda d: d["delegations"]["roles"].pop(),
        lambda d: d.pop("delegations"),
    ],
)
def test_an_approver_refuses_a_payload_that_says_more_or_less(payload: bytes, change: object) -> None:
    with pytest.raises(VerificationError):
        signoff.check_payload(altered(payload, change), "repo-one", "release-1", digest_of(payload))


@pytest.mark.parametrize("junk", [b"", b"[]", b"{}", b"1", b"null", b'{"_type":"root"}'])
def test_junk_is_no_payload(junk: bytes) -> None:
    with pytest.raises(VerificationError, match="not a TUF targets role"):
        signoff.parse_payload(junk)


def test_only_canonical_bytes_are_signed(payload: bytes) -> None:
    with pytest.raises(VerificationError, match="canonical"):
        signoff.parse_payload(payload.replace(b",", b", ", 1))


def test_a_release_must_have_its_own_files(collection: Collection) -> None:
    machine = collection.keys.machine()
    manifest = FileEntry(release_path("r", "manifest.jsonl"), 1, "0" * 64)
    with pytest.raises(ManifestError, match=r"lacks its release\.json"):
        signoff.compose_targets("repo-one", "r", [manifest], machine, NOW)
    with pytest.raises(ManifestError, match="people sign only"):
        signoff.compose_targets("repo-one", "r", [FileEntry("shards/0.tar", 1, "0" * 64)], machine, NOW)
