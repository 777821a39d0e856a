"""What every blob store promises, asked of local disk and of a real S3 server alike."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from app.storage import s3
from app.storage.base import BlobNotFound, BlobStore, InvalidKey, StoreUnavailable, open_store
from app.storage.envelope import decrypt, encrypting_stream, plain_size
from app.storage.local import LocalStore

KEY = "recordings/0192f0c1/original"


class Torn(Exception):
    """The source broke off."""


class TornSource(io.BytesIO):
    """Gives `limit` bytes, then fails."""

    def __init__(self, data: bytes, limit: int) -> None:
        super().__init__(data)
        self.limit = limit

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.limit:
            raise Torn
        return super().read(min(size or 0, self.limit - self.tell()))


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> tuple[Any, str, str]:
    """A versioned bucket of the test's own: (client, endpoint, name)."""
    endpoint: str = request.getfixturevalue("s3_endpoint")
    client, name = boto3.client("s3", endpoint_url=endpoint), f"contract-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return client, endpoint, name


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
    """The store under test; S3 with small parts, so that a few MB make a multipart upload."""
    if request.param == "local":
        return open_store(f"file://{tmp_path}/objects")
    _client, endpoint, name = request.getfixturevalue("bucket")
    monkeypatch.setattr(s3, "PART_SIZE", 5 * 2**20)
    return open_store(f"s3://{name}/some/prefix?endpoint={endpoint}&region=us-east-1")


def get(store: BlobStore, key: str = KEY, start: int = 0, end: int | None = None) -> bytes:
    with store.read(key, start, end) as stream:
        return stream.read()


@pytest.mark.parametrize("size", [0, 1, 65_537, 5 * 2**20 - 1, 5 * 2**20, 12 * 2**20 + 7])
def test_what_is_put_comes_back(store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    assert store.put(KEY, io.BytesIO(data)) == size
    assert store.size(KEY) == size
    assert hashlib.sha256(get(store)).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, 10),
        (3, 3),
        (0, 0),
        (990, None),
        (990, 5000),
        (999, 1000),
        (1000, None),
        (1000, 1001),
        (5000, 6000),
    ],
)
def test_ranges_are_half_open_and_clipped(store: BlobStore, start: int, end: int | None) -> None:
    data = os.urandom(1000)
    store.put(KEY, io.BytesIO(data))
    assert get(store, KEY, start, end) == data[start:end]


@pytest.mark.parametrize(("start", "end"), [(-1, None), (5, 4)])
def test_a_bad_range_is_refused(store: BlobStore, start: int, end: int | None) -> None:
    store.put(KEY, io.BytesIO(b"data"))
    with pytest.raises(ValueError, match="byte range"):
        store.read(KEY, start, end)


def test_reads_of_a_few_bytes_join(store: BlobStore) -> None:
    data = os.urandom(3 * 2**20)
    store.put(KEY, io.BytesIO(data))
    with store.read(KEY, 1) as stream:
        head = stream.read(4) + stream.read(0) + stream.read(2**20 + 1)
        assert head == data[1 : 2**20 + 6]
        assert stream.read() == data[2**20 + 6 :]
        assert stream.read(1) == b""


@pytest.mark.parametrize(
    "ask",
    [lambda s: s.size(KEY), lambda s: s.read(KEY), lambda s: s.read(KEY, 1, 2), lambda s: s.read(KEY, 2, 2)],
)
def test_what_is_missing_is_not_found(store: BlobStore, ask: Callable[[BlobStore], object]) -> None:
    assert not store.exists(KEY)
    with pytest.raises(BlobNotFound):
        ask(store)


def test_putting_again_replaces(store: BlobStore) -> None:
    store.put(KEY, io.BytesIO(b"first, and longer"))
    store.put(KEY, io.BytesIO(b"second"))
    assert get(store) == b"second"
    assert list(store.list()) == [KEY]


@pytest.mark.parametrize("limit", [1000, 11 * 2**20])
def test_a_source_that_breaks_off_leaves_what_was_there(store: BlobStore, limit: int) -> None:
    with pytest.raises(Torn):
        store.put(KEY, TornSource(bytes(12 * 2**20), limit))
    assert not store.exists(KEY)
    assert list(store.list()) == []
    store.put(KEY, io.BytesIO(b"whole"))
    with pytest.raises(Torn):
        store.put(KEY, TornSource(bytes(12 * 2**20), limit))
    assert get(store) == b"whole"


def test_deleting_removes_and_repeats(store: BlobStore) -> None:
    store.put(KEY, io.BytesIO(b"data"))
    store.put(KEY + "2", io.BytesIO(b"a neighbour whose key begins alike"))
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)
    assert list(store.list()) == [KEY + "2"]


def test_purging_removes_a_folder_and_no_neighbour(store: BlobStore) -> None:
    for key in ("a/1/x", "a/1/y/z", "a/12", "b/1"):
        store.put(key, io.BytesIO(b"data"))
    assert store.purge("a/1/") == 2
    assert store.purge("a/1/") == 0
    assert list(store.list()) == ["a/12", "b/1"]
    for prefix in ("a", "", "/", "../"):
        with pytest.raises(ValueError, match="not a"):
            store.purge(prefix)


def test_listing_by_prefix_is_ordered(store: BlobStore) -> None:
    keys = ["a/b/2", "a/b-1", "a/b/1", "b/1", "a/B", "ab"]
    for key in keys:
        store.put(key, io.BytesIO(b"x"))
    assert list(store.list()) == sorted(keys)
    assert list(store.list("a/b")) == ["a/b-1", "a/b/1", "a/b/2"]
    assert list(store.list("a/b/")) == ["a/b/1", "a/b/2"]
    assert list(store.list("nothing")) == []


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "a\0", "é", "a" * 600]
)
def test_an_unsafe_key_is_refused(store: BlobStore, key: str) -> None:
    for ask in (store.read, store.size, store.exists, store.delete, lambda k: store.put(k, io.BytesIO())):
        with pytest.raises(InvalidKey):
            ask(key)


def test_an_encrypted_object_is_read_in_ranges(store: BlobStore) -> None:
    key, plain = os.urandom(32), os.urandom(6 * 2**20 + 5)
    stored = store.put(KEY, encrypting_stream(key, KEY, io.BytesIO(plain)))
    assert stored == store.size(KEY) > len(plain) == plain_size(store, KEY)
    for start, end in ((0, None), (0, 1), (262_143, 262_145), (5 * 2**20, 6 * 2**20), (len(plain) - 3, None)):
        with decrypt(store, key, KEY, start, end) as stream:
            assert stream.read() == plain[start:end]


def test_s3_deletes_every_version(bucket: tuple[Any, str, str]) -> None:
    client, endpoint, name = bucket
    store = open_store(f"s3://{name}?endpoint={endpoint}&region=us-east-1")
    for data in (b"one", b"two"):
        store.put(KEY, io.BytesIO(data))
    assert len(client.list_object_versions(Bucket=name)["Versions"]) == 2
    store.delete(KEY)
    left = client.list_object_versions(Bucket=name)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


def test_s3_purges_versions_markers_and_unfinished_uploads(bucket: tuple[Any, str, str]) -> None:
    """What a lifecycle rule or another hand left behind a delete marker goes, too."""
    client, endpoint, name = bucket
    store = open_store(f"s3://{name}/some?endpoint={endpoint}&region=us-east-1")
    for data in (b"one", b"two"):
        store.put(KEY, io.BytesIO(data))
    store.put("recordings/other/original", io.BytesIO(b"kept"))
    client.delete_object(
        Bucket=name, Key=f"some/{KEY}"
    )  # leaves a marker: nothing lists the versions any more
    client.create_multipart_upload(Bucket=name, Key=f"some/{KEY}.part")
    folder = KEY.rpartition("/")[0] + "/"
    assert list(store.list(folder)) == []
    assert store.purge(folder) == 3
    left = client.list_object_versions(Bucket=name)
    assert [one["Key"] for one in left["Versions"]] == ["some/recordings/other/original"]
    assert not left.get("DeleteMarkers")
    assert not client.list_multipart_uploads(Bucket=name).get("Uploads")


def test_s3_leaves_no_unfinished_upload(
    bucket: tuple[Any, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, endpoint, name = bucket
    monkeypatch.setattr(s3, "PART_SIZE", 5 * 2**20)
    with pytest.raises(Torn):
        open_store(f"s3://{name}?endpoint={endpoint}").put(KEY, TornSource(bytes(12 * 2**20), 11 * 2**20))
    assert not client.list_multipart_uploads(Bucket=name).get("Uploads")


@pytest.mark.parametrize("place", ["http://127.0.0.1:1", None])
def test_s3_that_does_not_answer_or_has_no_such_bucket_is_unavailable(
    request: pytest.FixtureRequest, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = request.getfixturevalue("s3_endpoint")
    monkeypatch.setitem(s3._CONFIG, "retries", {"mode": "standard", "max_attempts": 1})
    store = open_store(f"s3://no-such-bucket-here?endpoint={place or endpoint}&region=us-east-1")
    with pytest.raises(StoreUnavailable):
        store.read(KEY)


def test_local_files_are_private(tmp_path: Path) -> None:
    LocalStore(tmp_path / "objects").put(KEY, io.BytesIO(b"data"))
    for path in [tmp_path / "objects", *(tmp_path / "objects").rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_local_unfinished_files_are_never_seen(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(Torn):
        store.put(KEY, TornSource(bytes(2**21), 2**20))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_local_keys_that_stand_in_each_others_way_are_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a/b", io.BytesIO(b"data"))
    for key in ("a", "a/b/c"):
        with pytest.raises(InvalidKey):
            store.put(key, io.BytesIO(b"data"))
    with pytest.raises(BlobNotFound):
        store.read("a/b/c")
    assert get(store, "a/b") == b"data"


@pytest.mark.parametrize("url", ["", "objects", "ftp://host/x", "file://host/x", "s3://", "s3://b?endpont=x"])
def test_an_unusable_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="storage address"):
        open_store(url)
