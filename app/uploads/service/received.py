"""The bytes of whole uploads, wherever they wait for their job: in a staged file, or in plain in the store."""

from __future__ import annotations

from dataclasses import dataclass
from io import FileIO
from typing import BinaryIO, cast
from uuid import UUID

from app.storage.base import BlobNotFound, BlobStore, StoreUnavailable
from app.storage.incoming import PREFIX
from app.uploads.models import Upload
from app.uploads.service.staging import Staging


@dataclass(frozen=True, slots=True)
class Received:
    """Opens what was received, and removes it when nobody needs it any more."""

    staging: Staging
    store: BlobStore | None = None  # None: nothing can have gone straight to it

    def open(self, upload: Upload, start: int = 0, end: int | None = None) -> BinaryIO:
        """Bytes `[start, end)` of the upload, clipped. `end` binds the store alone: a file is read on by who wants.

        Raises FileNotFoundError when they are gone, StoreUnavailable.
        """
        if upload.via != "direct":
            file = FileIO(self.staging.path(upload.id))
            file.seek(start)
            return cast(BinaryIO, file)
        if self.store is None or self.store.incoming is None:
            raise StoreUnavailable("This upload lies in an S3 store that CORDON_STORAGE_URL no longer names")
        try:
            return self.store.read(upload.incoming_key, start, end)
        except BlobNotFound:
            raise FileNotFoundError(upload.incoming_key) from None

    def discard(self, upload_id: UUID, via: str) -> None:
        """Removes the bytes; nothing there is no error. Raises StoreUnavailable: then the sweep will."""
        if via != "direct":
            self.staging.discard(upload_id)
        elif self.store is not None and self.store.incoming is not None:
            self.store.incoming.remove(f"{PREFIX}{upload_id}")
