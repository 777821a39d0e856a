"""A hostile server, or one whose keys were stolen: each attack is refused in one line, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.pull import PinChoice, PullResult, pull
from app.client.verify import verify_directory
from app.manifest.listing import FileEntry
from app.manifest.root import sign_root
from tests.factories.collection import SLUG, Collection, Keys, signer
from tests.factories.hostile_server import Server

Pull = Callable[[], PullResult]
METADATA = f"/tuf/{SLUG}/metadata"


def refused(do_pull: Pull, match: str) -> str:
    with pytest.raises(ClientError, match=match) as caught:
        do_pull()
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def shards_on_disk(directory: Path) -> list[Path]:
    return sorted((directory / "shards").glob("*")) if (directory / "shards").exists() else []


def alter(server: Server, name: str, change: Callable[[dict], None], signers: list[CryptoSigner]) -> None:
    """Changes a metadata file and signs it again with the given keys."""
    metadata = Metadata.from_bytes(server.files[f"{METADATA}/{name}"]).to_dict()
    change(metadata["signed"])
    altered = Metadata.from_dict(metadata)
    altered.signatures.clear()
    for key in signers:
        altered.sign(key, append=True)
    server.files[f"{METADATA}/{name}"] = altered.to_bytes()


@pytest.mark.parametrize("where", [0, -1])
def test_tampered_shard(
    do_pull: Pull, server: Server, collection: Collection, directory: Path, where: int
) -> None:
    path = f"/tuf/{SLUG}/targets/{collection.shard_names()[0]}"
    data = bytearray(server.files[path])
    data[where] ^= 1
    server.files[path] = bytes(data)
    assert "shards/" in refused(do_pull, "wrong SHA-256")
    name = path.rpartition("/")[2].partition(".")[2]
    assert name not in [shard.name for shard in shards_on_disk(directory)]
    assert not list((directory / ".cordon" / "partial").glob(f"*{name}*"))


def test_over_long_shard(do_pull: Pull, server: Server, collection: Collection) -> None:
    path = f"/tuf/{SLUG}/targets/{collection.shard_names()[0]}"
    server.files[path] += bytes(10_000_000)
    refused(do_pull, r"longer than the \d+ bytes that were signed")
    assert server.files[path]


def test_truncated_shard(do_pull: Pull, server: Server, collection: Collection, directory: Path) -> None:
    name = collection.shard_names()[0]
    server.files[f"/tuf/{SLUG}/targets/{name}"] = server.files[f"/tuf/{SLUG}/targets/{name}"][:-1]
    refused(do_pull, "cannot be fetched: Range Not Satisfiable")
    assert name.partition(".")[2] not in [shard.name for shard in shards_on_disk(directory)]


def test_tampered_release_file(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    path = next(path for path in server.files if path.endswith(".manifest.jsonl"))
    server.files[path] = server.files[path].replace(b"0", b"1", 1)
    refused(do_pull, "wrong SHA-256")
    assert not shards_on_disk(directory)


def test_replayed_timestamp(do_pull: Pull, server: Server, collection: Collection) -> None:
    old = server.files[f"{METADATA}/timestamp.json"]
    collection.refresh()
    server.serve_collection(collection)
    do_pull()
    server.files[f"{METADATA}/timestamp.json"] = old
    refused(do_pull, "older metadata than it did before")


def test_rolled_back_role_with_stolen_online_keys(
    do_pull: Pull, server: Server, collection: Collection
) -> None:
    """Thieves of snapshot and timestamp keys sign a new snapshot that lists an old targets role."""
    collection.release(count=5)
    server.serve_collection(collection)
    do_pull()
    state = collection.state
    state.snapshot.signed.meta["targets.json"].version = 1
    snapshot = state.snapshot
    snapshot.signed.version += 1
    snapshot.signatures.clear()
    snapshot.sign(collection.keys.snapshot[0])
    server.files[f"{METADATA}/{snapshot.signed.version}.snapshot.json"] = snapshot.to_bytes()
    timestamp = state.timestamp
    timestamp.signed.version += 1
    meta = timestamp.signed.snapshot_meta
    meta.version, meta.length, meta.hashes = snapshot.signed.version, None, None
    timestamp.signatures.clear()
    timestamp.sign(collection.keys.timestamp[0])
    server.files[f"{METADATA}/timestamp.json"] = timestamp.to_bytes()
    refused(do_pull, "older metadata than it did before")


def test_expired_timestamp_freezes_nobody(session: ApiSession, server: Server, directory: Path) -> None:
    past = Collection(now=lambda: datetime.now(UTC) - timedelta(days=3))
    past.release()
    server.serve_collection(past)
    choice = PinChoice(fingerprint=past.fingerprint)
    refused(lambda: pull(session, SLUG, directory, choice), "timestamp.json is expired")
    assert not shards_on_disk(directory)


def test_targets_signed_by_one_of_two(do_pull: Pull, server: Server, collection: Collection) -> None:
    alter(server, "1.targets.json", lambda signed: None, collection.keys.people[:1])
    refused(do_pull, "signed by 1/2 keys")


def test_targets_signed_by_a_foreign_key(do_pull: Pull, server: Server, collection: Collection) -> None:
    alter(server, "1.targets.json", lambda signed: None, [collection.keys.people[0], signer()])
    refused(do_pull, "signed by 1/2 keys")


def test_one_signature_given_twice(do_pull: Pull, server: Server) -> None:
    document = json.loads(server.files[f"{METADATA}/1.targets.json"])
    document["signatures"] = [document["signatures"][0]] * 2
    server.files[f"{METADATA}/1.targets.json"] = json.dumps(document).encode()
    refused(do_pull, "refused: ")


def test_one_signature_under_two_key_ids(do_pull: Pull, server: Server) -> None:
    document = json.loads(server.files[f"{METADATA}/1.targets.json"])
    document["signatures"][1]["sig"] = document["signatures"][0]["sig"]
    server.files[f"{METADATA}/1.targets.json"] = json.dumps(document).encode()
    refused(do_pull, "signed by 1/2 keys")


@pytest.mark.parametrize("role", ["head", "bin-0", "bin-1"])
def test_head_and_bins_need_both_machine_keys(
    do_pull: Pull, server: Server, collection: Collection, role: str
) -> None:
    alter(server, f"1.{role}.json", lambda signed: None, collection.keys.head[:1])
    refused(do_pull, "signed by 1/2 keys")


def test_root_by_an_attacker(do_pull: Pull, server: Server, collection: Collection) -> None:
    do_pull()
    stranger = Collection(Keys(), repo_id=collection.repo_id)
    root: Metadata[Root] = Metadata.from_bytes(stranger.metadata["1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    sign_root(root, stranger.keys.root)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "root was signed by 0/2 keys")


def test_root_that_skips_a_version(do_pull: Pull, server: Server, collection: Collection) -> None:
    root: Metadata[Root] = Metadata.from_bytes(collection.metadata["1.root.json"])
    root.signed.version = 3
    root.signatures.clear()
    sign_root(root, collection.keys.root)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "refused|older metadata")


def test_root_swap_between_repositories_with_the_same_keys(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    """Stock clients accept this (tests/integration/test_tuf_clients.py shows it); and once refused, we recover."""
    do_pull()
    honest = dict(server.files)
    other = Collection(collection.keys, repo_id="repo-two")
    other.release(salt="other ")
    root: Metadata[Root] = Metadata.from_bytes(other.metadata["1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    sign_root(root, collection.keys.root[:2])
    server.serve_collection(other)
    server.files[f"{METADATA}/2.root.json"] = root.to_bytes()
    refused(do_pull, "belongs to repository 'repo-two', not to 'repo-one'")
    server.files.clear()
    server.files.update(honest)
    assert do_pull().unchanged
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_role_of_another_repository(do_pull: Pull, server: Server, collection: Collection) -> None:
    """Keys may be the same: the timestamp of one collection is not accepted for another."""
    other = Collection(collection.keys, repo_id="repo-two")
    other.release()
    server.files[f"{METADATA}/timestamp.json"] = other.metadata["timestamp.json"]
    refused(do_pull, "timestamp belongs to repository 'repo-two'")


def test_bins_served_for_each_other(do_pull: Pull, server: Server) -> None:
    """Metadata does not name its role: stock clients accept one bin's file for another's. And we recover."""
    first, second = f"{METADATA}/1.bin-0.json", f"{METADATA}/1.bin-1.json"
    server.files[first], server.files[second] = server.files[second], server.files[first]
    refused(do_pull, "role files were swapped")
    server.files[first], server.files[second] = server.files[second], server.files[first]
    assert do_pull().fetched_files


@pytest.mark.parametrize("attack", ["replaced", "added", "dropped"])
def test_bin_forged_with_all_machine_keys_stolen(
    session: ApiSession, server: Server, directory: Path, attack: str
) -> None:
    """People signed one manifest; every online key signs bins that differ. Stock clients accept it, we must not."""
    victim = Collection()
    poison = b"poisoned shard"

    def forge(entries: list[FileEntry]) -> list[FileEntry]:
        replacement = FileEntry.of_bytes(entries[0].path, poison)
        extra = FileEntry.of_bytes("shards/999999.tar", poison)
        for entry in (replacement, extra):
            victim.put(entry, poison)
        return {
            "replaced": [replacement, *entries[1:]],
            "added": [*entries, extra],
            "dropped": entries[1:],
        }[attack]

    victim.release(forge=forge)
    server.serve_collection(victim)
    choice = PinChoice(fingerprint=victim.fingerprint)
    message = {
        "replaced": "is not what people signed",
        "added": "not in the manifest that people signed",
        "dropped": "not published",
    }
    refused(lambda: pull(session, SLUG, directory, choice), message[attack])
    assert not shards_on_disk(directory)
    victim.release()  # the operator mends it
    server.serve_collection(victim)
    assert pull(session, SLUG, directory, choice).release.number == 2


def test_endless_metadata(do_pull: Pull, server: Server) -> None:
    server.files[f"{METADATA}/timestamp.json"] += b" " * 100_000
    refused(do_pull, "more metadata than is allowed")


def test_an_endless_root(
    session: ApiSession, server: Server, collection: Collection, directory: Path
) -> None:
    server.files[f"{METADATA}/1.root.json"] += b" " * 1_000_000
    choice = PinChoice(fingerprint=collection.fingerprint)
    refused(lambda: pull(session, SLUG, directory, choice), "more metadata than is allowed")


@pytest.mark.parametrize("junk", [b"", b"not json", b"[]", b"{}", b'{"signed":{},"signatures":[]}'])
def test_junk_for_metadata(do_pull: Pull, server: Server, junk: bytes) -> None:
    server.files[f"{METADATA}/timestamp.json"] = junk
    refused(do_pull, "refused")
