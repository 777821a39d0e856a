"""A hostile server, or one whose keys were stolen: each attack is refused in one line, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.client.http import ApiSession
from app.client.pull import PinChoice, PullResult, pull
from app.manifest.listing import FileEntry
from tests.factories.collection import SLUG, Collection
from tests.factories.hostile_server import Server
from tests.factories.refusals import refused

Pull = Callable[[], PullResult]
METADATA = f"/tuf/{SLUG}/metadata"


def shards_on_disk(directory: Path) -> list[Path]:
    return sorted((directory / "shards").glob("*")) if (directory / "shards").exists() else []


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
