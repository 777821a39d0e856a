"""What an address for one part opens, asked of a real S3 server: those bytes, that part, that object, and no more."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import replace

import pytest
import requests

from app.storage.base import BlobNotFound, StoreAddressError, open_store
from app.storage.incoming import PartAddress, PartsDiffer
from app.storage.multipart import IncomingObjects
from app.storage.s3 import S3Store
from tests.contract.conftest import s3_client

FIRST, SECOND = os.urandom(5 * 2**20), os.urandom(1000)


@pytest.fixture(scope="module")
def store(s3_endpoint: str) -> S3Store:
    """A versioned bucket of these tests."""
    client, name = s3_client(s3_endpoint), f"incoming-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    found = open_store(f"s3://{name}/some/prefix?endpoint={s3_endpoint}&region=us-east-1")
    assert isinstance(found, S3Store)
    return found


@pytest.fixture
def incoming(store: S3Store) -> IncomingObjects:
    return store.incoming


@pytest.fixture
def key() -> str:
    return f"incoming/{secrets.token_hex(8)}"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def put(address: PartAddress, data: bytes, **headers: str) -> int:
    given = address.headers | headers
    return requests.put(
        address.url, data=data, headers=given | {"Content-Length": str(len(data))}, timeout=60
    ).status_code


def test_parts_become_one_object_and_can_be_listed(
    store: S3Store, incoming: IncomingObjects, key: str
) -> None:
    multipart = incoming.begin(key)
    assert [one.multipart_id for one in incoming.begun() if one.key == key] == [multipart]
    for number, data in ((2, SECOND), (1, FIRST)):
        address = incoming.address(key, multipart, number, len(data), sha256(data))
        assert put(address, data) == 200
        assert address.url not in repr(address)
    assert [part.number for part in incoming.parts(key, multipart, limit=1)] == [1]
    assert [part.length for part in incoming.parts(key, multipart, after=1)] == [len(SECOND)]
    parts = list(incoming.all_parts(key, multipart))
    named = [replace(part, sha256=sha256(data)) for part, data in zip(parts, (FIRST, SECOND), strict=True)]
    with pytest.raises(PartsDiffer):
        incoming.complete(key, multipart, [named[0], replace(named[1], sha256=sha256(b""))])
    incoming.complete(key, multipart, named)
    with store.read(key) as stream:
        assert sha256(stream.read()) == sha256(FIRST + SECOND)
    with pytest.raises(BlobNotFound):
        incoming.parts(key, multipart)


def test_an_address_opens_nothing_else(incoming: IncomingObjects, key: str) -> None:
    multipart = incoming.begin(key)
    address = incoming.address(key, multipart, 1, len(SECOND), sha256(SECOND))
    other = SECOND[:-1] + b"!"
    assert put(address, other) == 400
    assert put(address, SECOND[:-1]) == 403
    assert put(address, other, **{"x-amz-checksum-sha256": "AAAA"}) == 403
    for old, new in (("partNumber=1", "partNumber=2"), (key, key + "x"), ("Expires=300", "Expires=900")):
        assert old in address.url
        assert put(replace(address, url=address.url.replace(old, new)), SECOND) == 403
    assert requests.get(address.url, timeout=60).status_code == 403
    assert incoming.parts(key, multipart) == []
    assert put(address, SECOND) == 200


def test_removing_leaves_neither_versions_nor_parts(incoming: IncomingObjects, key: str) -> None:
    for _ in range(2):
        multipart = incoming.begin(key)
        assert put(incoming.address(key, multipart, 1, len(SECOND), sha256(SECOND)), SECOND) == 200
        part = replace(incoming.parts(key, multipart)[0], sha256=sha256(SECOND))
        incoming.complete(key, multipart, [part])
    unfinished = incoming.begin(key)
    late = incoming.address(key, unfinished, 1, len(SECOND), sha256(SECOND))
    for _ in range(2):
        incoming.remove(key)
        incoming.abort(key, unfinished)
    assert put(late, SECOND) == 404
    assert [one for one in incoming.begun() if one.key == key] == []
    assert key not in incoming.present()


def test_clients_are_sent_to_the_public_address_and_only_by_tls(s3_endpoint: str) -> None:
    def incoming_at(more: str) -> IncomingObjects:
        found = open_store(f"s3://bucket?endpoint={s3_endpoint}&region=us-east-1{more}").incoming
        assert found is not None
        return found

    assert incoming_at("").reachable  # this machine itself
    assert not incoming_at("&public=http://s3.example.org").reachable
    public = incoming_at("&public=https://s3.example.org")
    assert public.reachable
    assert public.address("incoming/x", "1", 1, 5, bytes(32)).url.startswith("https://s3.example.org/bucket/")
    for wrong in (
        "pubic=https://s3.example.org",
        "encryption=rot13",
        "public=https://me:word@s3.example.org",
    ):
        with pytest.raises(StoreAddressError) as refused:
            open_store(f"s3://bucket?{wrong}")
        assert "word@" not in str(refused.value)


def test_the_store_is_asked_to_encrypt_unless_told_not_to(store: S3Store, key: str) -> None:
    client = store.incoming._client
    asked: list[bytes | None] = []
    client.meta.events.register(
        "before-send.s3.CreateMultipartUpload",
        lambda request, **_: asked.append(request.headers.get("x-amz-server-side-encryption")),
    )
    for encryption in ("AES256", "none"):
        one = IncomingObjects(store, client, client, encryption)
        one.abort(key, one.begin(key))
    assert asked == [b"AES256", None]
