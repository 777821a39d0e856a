"""`cordon verify`: offline, and it names what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.client.errors import ClientError
from app.client.pull import PullResult
from app.client.verify import verify_directory
from tests.factories.hostile_server import Server

Pull = Callable[[], PullResult]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def pulled(do_pull: Pull, directory: Path, server: Server) -> Path:
    do_pull()
    server.requests.clear()
    return directory


def test_a_pulled_release_is_good_and_asks_nobody(pulled: Path, server: Server) -> None:
    progress: list[int] = []
    report = verify_directory(pulled, now(), progress=progress.append)
    assert report.good
    assert sum(progress) == report.bytes
    assert server.requests == []


@pytest.mark.parametrize("where", [0, 600, -1])
def test_one_changed_byte_is_named(pulled: Path, where: int) -> None:
    path = pulled / "shards" / "000001.tar"
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(bytes(data))
    report = verify_directory(pulled, now())
    assert not report.good
    assert (report.tampered, report.missing, report.extra) == (("shards/000001.tar",), (), ())


def test_a_longer_file_a_missing_file_and_a_strange_file_are_named(pulled: Path) -> None:
    with (pulled / "shards" / "000000.tar").open("ab") as file:
        file.write(b"\0")
    (pulled / "shards" / "000002.tar").unlink()
    (pulled / "shards" / "000099.tar").write_bytes(b"?")
    report = verify_directory(pulled, now())
    assert report.tampered == ("shards/000000.tar",)
    assert report.missing == ("shards/000002.tar",)
    assert report.extra == ("shards/000099.tar",)


@pytest.mark.parametrize("name", ["release.json", "manifest.jsonl"])
def test_a_changed_or_missing_cover_is_refused(pulled: Path, name: str) -> None:
    path = pulled / "releases" / "release-1" / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))
    with pytest.raises(ClientError, match=f"{name} was tampered with"):
        verify_directory(pulled, now())
    path.unlink()
    with pytest.raises(ClientError, match=f"{name} is missing"):
        verify_directory(pulled, now())


def test_expired_media_are_refused_unless_judged_as_of_a_day(pulled: Path) -> None:
    later = now() + timedelta(days=5)
    with pytest.raises(ClientError, match=r"expired on .* give --as-of DATE"):
        verify_directory(pulled, later)
    assert verify_directory(pulled, later - timedelta(days=5)).good


def test_changed_metadata_is_refused(pulled: Path) -> None:
    for path in sorted((pulled / ".cordon" / "metadata").glob("*.json")):
        data = path.read_bytes()
        path.write_bytes(data.replace(b'"version":1', b'"version":7'))
        if path.is_symlink():
            continue  # root.json: the pin counts, not this file
        with pytest.raises(ClientError, match="refused: "):
            verify_directory(pulled, now())
        path.write_bytes(data)


def test_missing_metadata_is_refused(pulled: Path) -> None:
    (pulled / ".cordon" / "metadata" / "bin-1.json").unlink()
    with pytest.raises(ClientError, match="metadata of bin-1 is missing"):
        verify_directory(pulled, now())


def test_another_pin_is_refused(pulled: Path) -> None:
    with pytest.raises(ClientError, match="not the agreed"):
        verify_directory(pulled, now(), fingerprint="0" * 64)
    with pytest.raises(ClientError, match="64 hex digits"):
        verify_directory(pulled, now(), fingerprint="short")


def test_a_directory_that_is_no_release_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="holds no release"):
        verify_directory(tmp_path, now())
