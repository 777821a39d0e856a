"""Objects in an S3 bucket: production's store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.storage.base import READ_SIZE, BlobNotFound, StoreUnavailable, check_folder, check_key, check_range
from app.storage.incoming import PART_SIZE
from app.storage.streams import PieceReader, as_binary, read_full

if TYPE_CHECKING:
    from app.storage.multipart import IncomingObjects

ENCRYPTIONS = ("AES256", "aws:kms", "none")
_CONFIG = {
    "connect_timeout": 5,
    "read_timeout": 60,
    "retries": {"mode": "standard", "max_attempts": 4},
    "signature_version": "s3v4",
    "s3": {"addressing_style": "path"},
}
_MISSING = frozenset({"NoSuchKey", "NoSuchUpload", "404", "NotFound"})


class S3Store:
    """Objects under `prefix` of `bucket`. Larger than one part goes up as a multipart upload."""

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint: str | None = None,
        region: str | None = None,
        public: str | None = None,
        encryption: str = "AES256",
    ) -> None:
        """`public` is the address by which clients reach the same server, where it is not `endpoint`; `encryption` what
        the server is asked to do with what they send: AES256, aws:kms or none. Raises ValueError for another."""
        if encryption not in ENCRYPTIONS:
            raise ValueError(f"encryption is one of {', '.join(ENCRYPTIONS)}")
        if any(urlsplit(address).username is not None for address in (endpoint, public) if address):
            raise ValueError("endpoint and public take no user or password: they come by boto3's usual chain")
        self.bucket = bucket
        self.prefix = prefix + "/" if prefix else ""
        self._client = _connect(endpoint, region)
        self._encryption = encryption
        self._signer = _connect(public, region) if public else self._client

    @cached_property
    def incoming(self) -> IncomingObjects:
        from app.storage.multipart import IncomingObjects  # which stands on this module

        return IncomingObjects(self, self._client, self._signer, self._encryption)

    def put(self, key: str, source: BinaryIO) -> int:
        name = self._name(key)
        first = read_full(source, PART_SIZE)
        with translated(key):
            if len(first) < PART_SIZE:
                self._client.put_object(Bucket=self.bucket, Key=name, Body=first)
                return len(first)
            upload = self._client.create_multipart_upload(Bucket=self.bucket, Key=name)["UploadId"]
            try:
                return self._put_parts(name, upload, first, source)
            except BaseException:
                with suppress(BotoCoreError, ClientError):  # a lifecycle rule clears what stays behind
                    self._client.abort_multipart_upload(Bucket=self.bucket, Key=name, UploadId=upload)
                raise

    def _put_parts(self, name: str, upload: str, part: bytes, source: BinaryIO) -> int:
        parts: list[dict[str, object]] = []
        target = {"Bucket": self.bucket, "Key": name, "UploadId": upload}
        length = 0
        while part:
            answer = self._client.upload_part(**target, PartNumber=len(parts) + 1, Body=part)
            parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"]})
            length += len(part)
            part = read_full(source, PART_SIZE)
        self._client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
        return length

    def read(self, key: str, start: int = 0, end: int | None = None) -> BinaryIO:
        check_range(start, end)
        if start == end:
            self.size(key)
            return as_binary(PieceReader(iter(())))
        request: dict[str, str] = {}
        if start or end is not None:
            request["Range"] = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
        try:
            with translated(key):
                body = self._client.get_object(Bucket=self.bucket, Key=self._name(key), **request)["Body"]
        except _PastTheEnd:
            return as_binary(PieceReader(iter(())))

        def pieces() -> Iterator[bytes]:
            with translated(key):
                while piece := body.read(READ_SIZE):
                    yield piece

        return as_binary(PieceReader(pieces(), body.close))

    def size(self, key: str) -> int:
        with translated(key):
            return int(self._client.head_object(Bucket=self.bucket, Key=self._name(key))["ContentLength"])

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except BlobNotFound:
            return False
        return True

    def delete(self, key: str) -> None:
        name = self._name(key)
        with translated(key):
            self._client.delete_object(Bucket=self.bucket, Key=name)
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.bucket, Prefix=name):
                for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                    if version["Key"] == name:
                        self._client.delete_object(
                            Bucket=self.bucket, Key=name, VersionId=version["VersionId"]
                        )

    def purge(self, prefix: str) -> int:
        begins, removed = self.prefix + check_folder(prefix), 0
        with translated(prefix):
            # pages are of what was there when they were read: deleting meanwhile shifts no page
            pages = self._client.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.bucket, Prefix=begins):
                for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                    self._client.delete_object(
                        Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"]
                    )
                    removed += 1
            for upload in self._unfinished(begins):
                self._client.abort_multipart_upload(
                    Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return removed

    def _unfinished(self, begins: str) -> list[dict[str, str]]:
        pages = self._client.get_paginator("list_multipart_uploads")
        found: list[dict[str, str]] = []
        for page in pages.paginate(Bucket=self.bucket, Prefix=begins):
            found += [one for one in page.get("Uploads", []) if one["Key"].startswith(begins)]
        return found

    def list(self, prefix: str = "") -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        with translated(prefix):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for entry in page.get("Contents", []):
                    yield entry["Key"].removeprefix(self.prefix)

    def _name(self, key: str) -> str:
        return self.prefix + check_key(key)


def _connect(endpoint: str | None, region: str | None) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=Config(**_CONFIG))


class _PastTheEnd(Exception):
    """The range begins at or after the object's end (HTTP 416)."""


@contextmanager
def translated(key: str) -> Iterator[None]:
    """boto's errors in the store's own terms; what the caller's own stream raises passes through."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise BlobNotFound(key) from None
        if code in ("InvalidRange", "416"):
            raise _PastTheEnd from None
        raise StoreUnavailable("The object store refused the request") from error
    except (BotoCoreError, HTTPError) as error:
        raise StoreUnavailable from error
