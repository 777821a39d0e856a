"""Two clients that are not ours, python-tuf's ngclient and npm's tuf-js, verify and download what we publish.

And the attacks that only our client refuses are shown to pass there, so that the extra checks are known to be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root

from app.manifest.listing import FileEntry
from app.manifest.root import sign_root
from tests.factories.collection import SLUG, Collection, signer
from tests.factories.hostile_server import Server, running_server
from tests.factories.tuf_clients import Refused, ngclient, tuf_js

Client = Callable[[Server, bytes, Path, list[str]], dict[str, bytes]]
"""(server, pinned root, scratch directory, target paths) → contents. Raises Refused."""


@pytest.fixture(params=[ngclient, tuf_js], ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest) -> Client:
    def fetch(server: Server, root: bytes, directory: Path, targets: list[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = request.param(f"{server.url}/tuf/{SLUG}", root, directory, targets)
        return found

    return fetch


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        running.open_access = True
        yield running


def published(server: Server, collection: Collection) -> bytes:
    """Serves the collection; returns its first root."""
    server.serve_collection(collection)
    return collection.metadata["1.root.json"]


def shard_targets(collection: Collection) -> list[str]:
    head = collection.state.delegated or {}
    return sorted(path for role in head.values() for path in role.signed.targets)


def test_a_release_is_verified_and_downloaded(server: Server, client: Client, tmp_path: Path) -> None:
    collection = Collection()
    collection.release()
    root = published(server, collection)
    wanted = [
        *shard_targets(collection),
        *(f"releases/release-1/{name}" for name in ("release.json", "manifest.jsonl", "clips.jsonl")),
    ]
    assert len(wanted) > 5
    contents = client(server, root, tmp_path, wanted)
    assert set(contents) == set(wanted)
    assert all(data in collection.targets.values() for data in contents.values())


def test_a_second_release_and_a_refresh_are_followed(server: Server, client: Client, tmp_path: Path) -> None:
    collection = Collection()
    collection.release(count=9)
    root = published(server, collection)
    client(server, root, tmp_path, ["shards/000000.tar"])
    collection.refresh()
    collection.release(count=4, salt="new ")
    published(server, collection)
    contents = client(server, root, tmp_path, ["shards/000000.tar", "releases/release-2/release.json"])
    assert b"new video 0" in contents["shards/000000.tar"]


def test_more_bins_are_followed(server: Server, client: Client, tmp_path: Path) -> None:
    """From two bins to more: old bins stay listed in the snapshot, as clients demand."""
    collection = Collection()
    collection.release(count=2, max_bytes=1)
    root = published(server, collection)
    client(server, root, tmp_path, ["shards/000000.tar"])
    collection.release(count=600, max_bytes=1)
    bins = [name for name in collection.state.snapshot.signed.meta if name.startswith("bin-")]
    assert len(bins) >= 4
    published(server, collection)
    assert len(client(server, root, tmp_path, ["shards/000000.tar", "shards/000599.tar"])) == 2


@pytest.mark.parametrize("fault", ["tampered", "longer", "truncated"])
def test_a_wrong_shard_is_refused(server: Server, client: Client, tmp_path: Path, fault: str) -> None:
    collection = Collection()
    collection.release()
    root = published(server, collection)
    path = next(path for path in server.files if path.endswith(".000000.tar"))
    data = server.files[path]
    server.files[path] = {"tampered": b"x" + data[1:], "longer": data + b"x", "truncated": data[:-1]}[fault]
    with pytest.raises(Refused):
        client(server, root, tmp_path, ["shards/000000.tar"])


def test_an_expired_timestamp_is_refused(server: Server, client: Client, tmp_path: Path) -> None:
    collection = Collection(now=lambda: datetime.now(UTC) - timedelta(days=3))
    collection.release()
    with pytest.raises(Refused, match=r"(?i)expired"):
        client(server, published(server, collection), tmp_path, ["shards/000000.tar"])


def test_a_replayed_timestamp_is_refused(server: Server, client: Client, tmp_path: Path) -> None:
    collection = Collection()
    collection.release()
    old = collection.metadata["timestamp.json"]
    collection.refresh()
    root = published(server, collection)
    client(server, root, tmp_path, ["shards/000000.tar"])
    server.files[f"/tuf/{SLUG}/metadata/timestamp.json"] = old
    with pytest.raises(Refused):
        client(server, root, tmp_path, ["shards/000000.tar"])


@pytest.mark.parametrize("signers", ["one", "foreign"])
def test_too_few_people_are_refused(server: Server, client: Client, tmp_path: Path, signers: str) -> None:
    collection = Collection()
    collection.release()
    root = published(server, collection)
    targets: Metadata = Metadata.from_bytes(collection.metadata["1.targets.json"])
    targets.signatures.clear()
    people = {"one": [], "foreign": [signer()]}[signers] + collection.keys.people[:1]
    for key in people:
        targets.sign(key, append=True)
    server.files[f"/tuf/{SLUG}/metadata/1.targets.json"] = targets.to_bytes()
    with pytest.raises(Refused):
        client(server, root, tmp_path, ["shards/000000.tar"])


def test_stock_clients_accept_a_root_of_another_repository_with_the_same_keys(
    server: Server, client: Client, tmp_path: Path
) -> None:
    """Why our client demands `x-repo-id`."""
    mine = Collection()
    mine.release()
    pinned = mine.metadata["1.root.json"]
    other = Collection(mine.keys, repo_id="repo-two")
    other.release(salt="other ")
    root: Metadata[Root] = Metadata.from_bytes(other.metadata["1.root.json"])
    root.signed.version = 2
    root.signatures.clear()
    sign_root(root, mine.keys.root[:2])
    published(server, other)
    server.files[f"/tuf/{SLUG}/metadata/2.root.json"] = root.to_bytes()
    contents = client(server, pinned, tmp_path, ["shards/000000.tar"])
    assert b"other video 0" in contents["shards/000000.tar"]


def test_stock_clients_accept_a_bin_forged_with_stolen_machine_keys(
    server: Server, client: Client, tmp_path: Path
) -> None:
    """Why our client demands manifest = bins."""
    collection = Collection()
    poison = b"poisoned shard"

    def forge(entries: list[FileEntry]) -> list[FileEntry]:
        forged = FileEntry.of_bytes(entries[0].path, poison)
        collection.put(forged, poison)
        return [forged, *entries[1:]]

    collection.release(forge=forge)
    contents = client(server, published(server, collection), tmp_path, ["shards/000000.tar"])
    assert contents["shards/000000.tar"] == poison
