"""Composing a repository: who must sign what, what changes between versions, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from app.manifest import repository, verify
from app.manifest.errors import ManifestError, VerificationError
from app.manifest.listing import FileEntry, parse_manifest
from app.manifest.roles import MAX_BIN_TARGETS, RULES
from tests.factories.collection import Collection

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
