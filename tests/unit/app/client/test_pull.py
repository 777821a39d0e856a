"""An honest server: pulling, resuming, updating, and how few requests that takes."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.pull import PinChoice, PullResult, pull
from app.client.store import Store
from app.client.verify import verify_directory
from tests.factories.collection import SLUG, Collection
from tests.factories.hostile_server import Server

Pull = Callable[[], PullResult]


def test_pull_brings_a_release_that_verifies(do_pull: Pull, directory: Path) -> None:
    result = do_pull()
    report = verify_directory(directory, datetime.now(UTC))
    assert report.good
    assert report.files == result.files == result.fetched_files
    assert result.release.clips == 9
    assert len(list((directory / "shards").iterdir())) == result.release.shards > 2


def test_everything_pulled_is_for_its_owner_alone(do_pull: Pull, directory: Path) -> None:
    do_pull()
    for path in directory.rglob("*"):
        if path.is_file() and path.name not in ("lock",):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_pull_without_change_makes_two_requests(do_pull: Pull, server: Server) -> None:
    do_pull()
    server.requests.clear()
    result = do_pull()
    assert result.unchanged
    assert result.requests == 2
    assert [path.rpartition("/")[2] for path in server.paths()] == ["2.root.json", "timestamp.json"]


def test_a_cut_download_goes_on_where_it_stopped(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    name = collection.shard_names()[0]
    server.cut_after[f"/tuf/{SLUG}/targets/{name}"] = [1000, 500]
    do_pull()
    ranges = [wanted for _, path, wanted in server.requests if path.endswith(name)]
    assert ranges == [None, "bytes=1000-", "bytes=1500-"]
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_pull_that_failed_keeps_its_bytes_for_the_next(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    name = collection.shard_names()[0]
    path = f"/tuf/{SLUG}/targets/{name}"
    server.cut_after[path] = [700, *[0] * 4]
    with pytest.raises(ClientError, match=r"broke off at 700 of \d+ bytes: pull again"):
        do_pull()
    server.requests.clear()
    do_pull()
    assert ("GET", path, "bytes=700-") in server.requests
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_server_without_ranges_starts_the_file_again(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    server.ranges = False
    server.cut_after[f"/tuf/{SLUG}/targets/{collection.shard_names()[0]}"] = [900]
    do_pull()
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_spoilt_partial_file_is_thrown_away(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    name = collection.shard_names()[0]
    server.cut_after[f"/tuf/{SLUG}/targets/{name}"] = [700, *[0] * 4]
    with pytest.raises(ClientError):
        do_pull()
    for partial in (directory / ".cordon" / "partial").iterdir():
        partial.write_bytes(b"x" * partial.stat().st_size)
    do_pull()
    assert verify_directory(directory, datetime.now(UTC)).good


def test_a_new_release_fetches_only_what_changed_and_removes_what_went(
    do_pull: Pull, server: Server, collection: Collection, directory: Path
) -> None:
    before = do_pull()
    (directory / "notes.txt").write_text("the user's own")
    collection.release(count=5)
    server.serve_collection(collection)
    after = do_pull()
    assert after.release.number == 2
    assert after.release.shards < before.release.shards
    assert any(path.startswith("shards/") for path in after.removed)
    assert (directory / "notes.txt").exists()
    report = verify_directory(directory, datetime.now(UTC))
    assert report.extra == ("notes.txt",)
    assert (report.tampered, report.missing) == ((), ())
    unchanged = after.release.shards - 1  # all but the last shard hold the clips that they held
    assert after.fetched_files == after.files - unchanged


def test_a_file_changed_on_disk_is_fetched_again(do_pull: Pull, directory: Path) -> None:
    do_pull()
    shard = directory / "shards" / "000000.tar"
    shard.write_bytes(b"x" * shard.stat().st_size)
    assert do_pull().fetched_files == 1
    assert verify_directory(directory, datetime.now(UTC)).good


def test_the_first_pull_needs_a_pin(session: ApiSession, collection: Collection, directory: Path) -> None:
    with pytest.raises(ClientError, match="give --fingerprint"):
        pull(session, SLUG, directory, PinChoice())


def test_another_fingerprint_is_refused(session: ApiSession, collection: Collection, directory: Path) -> None:
    with pytest.raises(ClientError, match="not the agreed"):
        pull(session, SLUG, directory, PinChoice(fingerprint="0" * 64))
    assert not (directory / ".cordon" / "pin.json").exists()


def test_a_root_file_pins_as_well(
    session: ApiSession, collection: Collection, directory: Path, tmp_path: Path
) -> None:
    path = tmp_path / "root.json"
    path.write_bytes(collection.metadata["1.root.json"])
    pull(session, SLUG, directory, PinChoice(root=path))
    pull(session, SLUG, directory, PinChoice())
    with pytest.raises(ClientError, match="not the agreed"):
        pull(session, SLUG, directory, PinChoice(fingerprint="0" * 64))


def test_a_collection_that_is_not_granted_is_said_so(session: ApiSession, directory: Path) -> None:
    with pytest.raises(ClientError, match="Nothing is here for you"):
        pull(session, "other", directory, PinChoice(fingerprint="0" * 64))
    with pytest.raises(ClientError, match="not a collection's name"):
        pull(session, "../other", directory, PinChoice(fingerprint="0" * 64))


def test_a_pull_that_was_killed_goes_on(
    do_pull: Pull, server: Server, collection: Collection, credentials_file: Path, directory: Path
) -> None:
    collection.release(count=1, salt="long " * 6000)
    server.serve_collection(collection)
    name = next(name for name in collection.shard_names() if len(collection.targets[name]) > 2_000_000)
    server.hold_after[f"/tuf/{SLUG}/targets/{name}"] = 1_500_000
    script = "import sys; from app.client.commands import pull; pull(sys.argv[1:])"
    options = ["--dir", directory, "--fingerprint", collection.fingerprint, "--credentials", credentials_file]
    process = subprocess.Popen([sys.executable, "-c", script, SLUG, *options])
    try:
        assert server.held.wait(30)
        (partial,) = wait_for_partial(directory, 1_000_000)
    finally:
        process.kill()
        process.wait()
    assert not list((directory / "shards").glob("*"))
    server.requests.clear()
    do_pull()
    wanted = [wanted for _, path, wanted in server.requests if path.endswith(name)]
    assert wanted == [f"bytes={partial}-"]
    assert verify_directory(directory, datetime.now(UTC)).good


def wait_for_partial(directory: Path, at_least: int) -> list[int]:
    """The sizes of the unfinished files, once they no longer grow."""
    sizes: list[int] = []
    for _ in range(100):
        time.sleep(0.1)
        before, sizes = sizes, [path.stat().st_size for path in (directory / ".cordon" / "partial").iterdir()]
        if sizes and sizes == before and sizes[0] >= at_least:
            return sizes
    raise AssertionError(f"unfinished files: {sizes}")


def test_two_pulls_of_one_directory_do_not_meet(do_pull: Pull, directory: Path) -> None:
    store = Store(directory)
    store.create()
    with store.lock(), pytest.raises(ClientError, match="another cordon is pulling"):
        do_pull()
