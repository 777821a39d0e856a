"""Objects that others send straight into the store, part by part, each by an address that opens that part alone.

Such an object lies in plain under `incoming/` until a job has verified and encrypted it. What boto3 signs here is
never logged, and lives five minutes: the address holds the right to write.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

from app.storage.base import BlobNotFound, check_key
from app.storage.browsers import BrowserRules
from app.storage.incoming import ADDRESS_SECONDS, PREFIX, Begun, PartAddress, PartsDiffer, StoredPart
from app.storage.s3 import S3Store, translated

_DIFFERENT: Final = frozenset({"BadDigest", "InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
_LISTED_AT_ONCE: Final = 1000


class IncomingObjects:
    """The plain objects under `incoming/` of one S3 store. Methods raise StoreUnavailable."""

    def __init__(self, store: S3Store, client: Any, signer: Any, encryption: str) -> None:
        """`signer` is the client whose server address others reach; `encryption` as `S3Store` has it."""
        self._encryption = {} if encryption == "none" else {"ServerSideEncryption": encryption}
        self._store = store
        self._client = client
        self._signer = signer

    @property
    def reachable(self) -> bool:
        """Whether clients may be sent to the store's address: footage leaves a machine by TLS or not at all."""
        parts = urlsplit(self._signer.meta.endpoint_url)
        return parts.scheme == "https" or parts.hostname in ("127.0.0.1", "localhost", "::1")

    @cached_property
    def origin(self) -> str:
        """The origin of every address that is signed here, as browsers name it: one is signed to see it, once."""
        url = urlsplit(self.address(f"{PREFIX}origin", "none", 1, 1, bytes(32)).url)
        return f"{url.scheme}://{url.netloc}"

    @property
    def browsers(self) -> BrowserRules:
        """Which pages may send from a browser."""
        return BrowserRules(self._client, self._store.bucket)

    def begin(self, key: str) -> str:
        """Begins a multipart upload with SHA-256 checksums, encrypted by the store where it can; returns its id."""
        with translated(key):
            answer = self._client.create_multipart_upload(
                **self._object(key), ChecksumAlgorithm="SHA256", **self._encryption
            )
        return str(answer["UploadId"])

    def address(self, key: str, multipart_id: str, number: int, length: int, sha256: bytes) -> PartAddress:
        """Signs an address for one part of `length` bytes with that digest. Asks no server.

        `number` counts from 1. Length and digest are signed too: the store refuses other bytes.
        """
        digest = base64.b64encode(sha256).decode()
        target = self._object(key) | {"UploadId": multipart_id, "PartNumber": number}
        with translated(key):
            url = self._signer.generate_presigned_url(
                "upload_part",
                Params=target | {"ContentLength": length, "ChecksumSHA256": digest},
                ExpiresIn=ADDRESS_SECONDS,
            )
        headers = {"Content-Length": str(length), "x-amz-checksum-sha256": digest}
        signed = parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")
        missing = {name.lower() for name in headers} - set(signed)
        if missing:  # a signature that leaves them open would let any bytes in
            raise ValueError(f"not signed: {', '.join(sorted(missing))}")
        return PartAddress(number, url, headers)

    def parts(
        self, key: str, multipart_id: str, after: int = 0, limit: int = _LISTED_AT_ONCE
    ) -> list[StoredPart]:
        """At most `limit` (up to 1,000) stored parts with numbers above `after`, in order. Raises BlobNotFound
        when the multipart upload has ended."""
        with translated(key):
            answer = self._client.list_parts(
                **self._object(key), UploadId=multipart_id, PartNumberMarker=after, MaxParts=limit
            )
        return [_stored(part) for part in answer.get("Parts", [])]

    def all_parts(self, key: str, multipart_id: str) -> Iterator[StoredPart]:
        """Every stored part, in order. Raises BlobNotFound."""
        after, found = 0, self.parts(key, multipart_id)
        while found:
            yield from found
            after = found[-1].number
            found = self.parts(key, multipart_id, after) if len(found) == _LISTED_AT_ONCE else []

    def complete(self, key: str, multipart_id: str, parts: list[StoredPart]) -> None:
        """Joins the parts into the object, durably; each must have its `sha256`. Raises PartsDiffer when the store
        holds others, BlobNotFound when the multipart upload has ended."""
        named = [_named(part) for part in parts]
        with translated(key):
            try:
                self._client.complete_multipart_upload(
                    **self._object(key), UploadId=multipart_id, MultipartUpload={"Parts": named}
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in _DIFFERENT:
                    raise PartsDiffer from None
                raise

    def remove(self, key: str) -> None:
        """Ends every multipart upload of the object and removes it in all its versions; nothing there is no error."""
        for begun in self.begun(key):
            if begun.key == key:
                self.abort(key, begun.multipart_id)
        self._store.delete(key)

    def abort(self, key: str, multipart_id: str) -> None:
        """Ends one multipart upload and frees its parts; one that has ended is no error."""
        try:
            with translated(key):
                self._client.abort_multipart_upload(**self._object(key), UploadId=multipart_id)
        except BlobNotFound:
            return

    def begun(self, prefix: str = PREFIX) -> Iterator[Begun]:
        """Multipart uploads under way of keys that begin with `prefix`."""
        asked = {"Bucket": self._store.bucket, "Prefix": self._store.prefix + prefix}
        with translated(prefix):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(**asked):
                for one in page.get("Uploads", []):
                    yield Begun(
                        one["Key"].removeprefix(self._store.prefix), one["UploadId"], one["Initiated"]
                    )

    def present(self) -> set[str]:
        """Every object that is there in any version, a deleted one whose versions were left behind too."""
        asked = {"Bucket": self._store.bucket, "Prefix": self._store.prefix + PREFIX}
        found: set[str] = set()
        with translated(PREFIX):
            for page in self._client.get_paginator("list_object_versions").paginate(**asked):
                versions = page.get("Versions", []) + page.get("DeleteMarkers", [])
                found |= {one["Key"].removeprefix(self._store.prefix) for one in versions}
        return found

    def _object(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._store.bucket, "Key": self._store.prefix + check_key(key)}


def _stored(part: dict[str, Any]) -> StoredPart:
    digest = part.get("ChecksumSHA256")
    sha256 = base64.b64decode(digest) if digest else None
    return StoredPart(int(part["PartNumber"]), int(part["Size"]), str(part["ETag"]), sha256)


def _named(part: StoredPart) -> dict[str, Any]:
    digest = base64.b64encode(part.sha256 or b"").decode()
    return {"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": digest}
