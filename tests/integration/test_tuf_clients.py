"""Two clients that are not ours, python-tuf's ngclient and npm's tuf-js, verify and download what we publish.

And the attacks that only our client refuses are shown to pass there, so that the extra checks are known to be needed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata, Root
from tuf.ngclient import Updater

from app.manifest.listing import FileEntry
from app.manifest.root import sign_root
from tests.factories.collection import SLUG, Collection, signer
from tests.factories.hostile_server import Server, running_server

HERE = Path(__file__).parent / "node"
BUILD = Path(__file__).parents[2] / "build" / "tuf-js"
BIN = Path(sys.executable).parent

Client = Callable[[Server, bytes, Path, list[str]], dict[str, bytes]]
"""(server, pinned root, scratch directory, target paths) → contents. Raises Refused."""


class Refused(Exception):
    """The client did not accept what the server gave it."""


def ngclient(server: Server, root: bytes, directory: Path, targets: list[str]) -> dict[str, bytes]:
    for name in ("metadata", "targets"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    base = f"{server.url}/tuf/{SLUG}"
    try:
        updater = Updater(
            str(directory / "metadata"),
            f"{base}/metadata/",
            str(directory / "targets"),
            f"{base}/targets/",
            bootstrap=root,
        )
        updater.refresh()
        found = {}
        for target in targets:
            info = updater.get_targetinfo(target)
            if info is None:
                raise Refused(f"no such target: {target}")
            found[target] = Path(updater.download_target(info)).read_bytes()
    except (RepositoryError, DownloadError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    return found


def tuf_js(server: Server, root: bytes, directory: Path, targets: list[str]) -> dict[str, bytes]:
    for name in ("metadata", "targets"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    if not (directory / "metadata" / "root.json").exists():
        (directory / "metadata" / "root.json").write_bytes(root)
    base = f"{server.url}/tuf/{SLUG}"
    request = {
        "metadataDir": str(directory / "metadata"),
        "metadataBaseUrl": f"{base}/metadata",
        "targetDir": str(directory / "targets"),
        "targetBaseUrl": f"{base}/targets",
        "targets": targets,
    }
    run = subprocess.run(
        [BIN / "node", "client.mjs", json.dumps(request)],
        cwd=install_tuf_js(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answer = json.loads(run.stdout)
    if "error" in answer:
        raise Refused(answer["error"])
    return {target: Path(path).read_bytes() for target, path in answer["paths"].items()}


def install_tuf_js() -> Path:
    """The directory in which `import 'tuf-js'` works; installed once for a lock file. A failure is an error."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (HERE / "package-lock.json").read_text()
        marker = BUILD / "installed.json"
        shutil.copy(HERE / "client.mjs", BUILD)
        if not marker.exists() or marker.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, BUILD)
            environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
            subprocess.run(
                [BIN / "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=BUILD,
                env=environment,
                timeout=240,
                check=True,
            )
            marker.write_text(wanted)
    return BUILD


@pytest.fixture(params=[ngclient, tuf_js], ids=lambda client: client.__name__)
def client(request: pytest.FixtureRequest) -> Client:
    return request.param


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
