"""release.json, the cover sheet of a release, and the names of the files that lie beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.manifest import canonical
from app.manifest.errors import FormatError
from app.manifest.listing import FileEntry, check_path

FORMAT = "cordon-release/1"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")


def release_path(release_id: str, name: str) -> str:
    """The target path of a release's own file, as `releases/<id>/manifest.jsonl`."""
    if not _ID.fullmatch(release_id):
        raise FormatError(f"{release_id[:80]!r} cannot be a release's id")
    return check_path(f"releases/{release_id}/{name}")


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is and holds; `manifest` is the entry of its manifest.jsonl, which covers every other byte.

    `created_at` is the moment its dataset version was frozen (RFC 3339, UTC), so that a rebuild gives the same
    bytes. `splits` counts clips by split.
    """

    release_id: str
    collection: str
    number: int
    dataset_version: str
    taxonomy: str
    created_at: str
    clips: int
    shards: int
    total_bytes: int
    splits: Mapping[str, int]
    notes: str
    manifest: FileEntry

    def encode(self) -> bytes:
        """The canonical release.json. Raises FormatError for what `parse_release` would refuse."""
        data = canonical.encode({"format": FORMAT, **asdict(self), "splits": dict(self.splits)})
        parse_release(data)
        return data


def parse_release(data: bytes) -> Release:
    """Reads release.json. Raises FormatError, naming the member, for anything missing, unknown or malformed."""
    fields = canonical.Fields(canonical.decode(data, "release.json"), "release.json")
    if (form := fields.text("format")) != FORMAT:
        raise FormatError(f"release.json is of format {form!r}: this client reads {FORMAT}")
    release = Release(
        release_id=fields.text("release_id"),
        collection=fields.text("collection"),
        number=fields.count("number"),
        dataset_version=fields.text("dataset_version"),
        taxonomy=fields.text("taxonomy"),
        created_at=_timestamp(fields.text("created_at")),
        clips=fields.count("clips"),
        shards=fields.count("shards"),
        total_bytes=fields.count("total_bytes"),
        splits=_splits(fields.take("splits", dict)),
        notes=fields.text("notes"),
        manifest=_entry(fields.take("manifest", dict)),
    )
    fields.end()
    if release.manifest.path != release_path(release.release_id, "manifest.jsonl"):
        raise FormatError("release.json: the manifest is not the release's own")
    return release


def _entry(document: Mapping[str, Any]) -> FileEntry:
    fields = canonical.Fields(document, "release.json: manifest")
    entry = FileEntry(check_path(fields.text("path")), fields.count("length"), fields.sha256())
    fields.end()
    return entry


def _splits(document: Mapping[str, Any]) -> dict[str, int]:
    fields = canonical.Fields(document, "release.json: splits")
    return {name: fields.count(name) for name in document}


def _timestamp(text: str) -> str:
    try:
        aware = datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise FormatError("release.json: 'created_at' is not a time with its zone")
    return text
