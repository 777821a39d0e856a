"""Composing a repository: who must sign what, what changes between versions, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Targets

from app.manifest import keys, repository, root, signoff, verify
from app.manifest.errors import ManifestError, VerificationError
from app.manifest.listing import FileEntry, parse_manifest
from app.manifest.release import release_path
from app.manifest.roles import MAX_BIN_TARGETS, RULES
from tests.factories.collection import Collection, Keys, signer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Source:
    files: dict[str, bytes]

    def root(self, version: int, /) -> bytes | None:
        return self.files.get(f"{version}.root.json")

    def role(self, name: str, version: int | None, /) -> bytes | None:
        return self.files.get(f"{version}.{name}.json" if version else f"{name}.json")


def opened(collection: Collection, at: datetime = NOW) -> verify.TrustedRepository:
    return verify.open_repository(Source(collection.metadata), collection.metadata["1.root.json"], at)


def manifest_of(collection: Collection, release_id: str) -> tuple[FileEntry, ...]:
    prefix = f"releases/{release_id}/"
    path = next(p for p in collection.targets if p.startswith(prefix) and p.endswith("manifest.jsonl"))
    return parse_manifest(collection.targets[path])


@pytest.fixture
def collection() -> Collection:
    return Collection(now=lambda: NOW)


def test_a_published_release_verifies(collection: Collection) -> None:
    release_id = collection.release()
    trusted = opened(collection)
    assert trusted.release_id == release_id
    verify.check_manifest(trusted, manifest_of(collection, release_id))


def test_roles_are_as_the_design_has_them(collection: Collection) -> None:
    collection.release()
    trusted = opened(collection)
    thresholds = {name: (len(role.keyids), role.threshold) for name, role in trusted.root.roles.items()}
    assert thresholds == {"root": (3, 2), "targets": (3, 2), "snapshot": (1, 1), "timestamp": (1, 1)}
    delegated = trusted.targets.delegations.roles
    assert {n: (r.paths, len(r.keyids), r.threshold) for n, r in delegated.items()} == {
        "head": (["shards/*"], 2, 2),
        "withdrawals": (["withdrawals/*"], 1, 1),
    }
    days = {
        "root": trusted.root,
        "targets": trusted.targets,
        "snapshot": trusted.snapshot,
        "timestamp": trusted.timestamp,
    }
    assert {name: (role.expires - NOW).days for name, role in days.items()} == {
        name: RULES[name].days for name in days
    }
    assert trusted.root.consistent_snapshot
    for data in collection.metadata.values():
        assert json.loads(data)["signed"]["x-repo-id"] == "repo-one"


def test_publishing_the_same_shards_again_rewrites_no_bin(collection: Collection) -> None:
    collection.release(count=9)
    before = set(collection.metadata)
    collection.release(count=9)
    added = {name.split(".", 1)[1] for name in set(collection.metadata) - before}
    assert added == {"targets.json", "snapshot.json"}


def test_bins_hold_at_most_256_targets_and_grow_only(collection: Collection) -> None:
    paths = [f"shards/{number:06d}.tar" for number in range(5000)]
    bits = repository.bin_bits(paths)
    trusted_counts: dict[str, int] = {}
    bins = repository.SuccinctRoles([], 1, bits, "bin")
    for path in paths:
        name = bins.get_role_for_target(path)
        trusted_counts[name] = trusted_counts.get(name, 0) + 1
    assert max(trusted_counts.values()) <= MAX_BIN_TARGETS
    assert repository.bin_bits(paths[:3]) == 1
    assert repository.bin_bits(paths[:3], minimum=bits) == bits


def test_a_repository_grows_and_shrinks_and_stays_good(collection: Collection) -> None:
    for count in (2, 600, 3):
        release_id = collection.release(count=count, max_bytes=1)
        verify.check_manifest(opened(collection), manifest_of(collection, release_id))
    listed = opened(collection).snapshot.meta
    assert {"bin-0.json", "bin-1.json"} <= set(listed)


def test_refresh_renews_what_is_half_over_and_nothing_else(collection: Collection) -> None:
    collection.release()
    for day, renewed in ((1, {"timestamp"}), (4, {"timestamp", "snapshot", "withdrawals"})):
        later = Collection(collection.keys, now=lambda day=day: NOW + timedelta(days=day))
        later.metadata = dict(collection.metadata)
        new = repository.refresh(later.state, later.keys.online(), later.now())
        assert {name.removesuffix(".json").rpartition(".")[2] for name in new} == renewed


def test_a_repository_refreshed_daily_never_expires_before_its_people_do(collection: Collection) -> None:
    collection.release()
    for day in range(1, 90):
        collection.now = lambda day=day: NOW + timedelta(days=day)
        collection.refresh()
        opened(collection, collection.now())
    with pytest.raises(VerificationError, match="targets expired on 2026-05-30"):
        opened(collection, NOW + timedelta(days=90))


@pytest.mark.parametrize(("days", "role"), [(3, "timestamp"), (8, "timestamp"), (400, "root")])
def test_what_expired_is_named(collection: Collection, days: int, role: str) -> None:
    collection.release()
    with pytest.raises(VerificationError, match=f"{role} expired on"):
        opened(collection, NOW + timedelta(days=days))


def test_nothing_to_refresh_before_the_first_release(collection: Collection) -> None:
    with pytest.raises(ManifestError, match="nothing is published yet"):
        collection.refresh()


def test_a_release_composed_before_another_was_published_is_refused(collection: Collection) -> None:
    files, entries = collection.build("release-x", 2, "", 8192)
    signed = collection.sign(collection.compose("release-x", files))
    collection.release()
    with pytest.raises(ManifestError, match="another release was published meanwhile"):
        repository.publish(collection.state, signed, entries, collection.keys.online(), NOW)


# --- signing ---------------------------------------------------------------------------------------------


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


# --- the root and its keys -------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "count"), [("root", 2), ("people", 1), ("snapshot", 0), ("timestamp", 0)])
def test_a_root_with_too_few_keys_is_refused(role: str, count: int) -> None:
    made = Keys()
    setattr(made, role, getattr(made, role)[:count])
    with pytest.raises(ManifestError, match="different keys"):
        root.compose_root("repo", made.for_root(), NOW)


def test_a_key_serves_one_role(collection: Collection) -> None:
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
