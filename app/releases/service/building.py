"""Packing a release: deterministic shards of every split but the sealed test split, and the papers beside them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.core.identity import SYSTEM
from app.core.ids import new_id
from app.datasets.models import DatasetItem
from app.manifest.clips import ClipDocument, Label, encode_clip_index
from app.manifest.listing import FileEntry, encode_manifest
from app.manifest.release import Release as ReleaseDocument
from app.manifest.release import release_path
from app.manifest.shards import Member, Sample, Shard, pack_shards
from app.recordings.models import Clip, Recording
from app.releases import queries
from app.releases.models import Release, TufTarget
from app.releases.service.composing import repository_for
from app.storage.models import DataKey
from app.storage.vault import Vault


class NothingToRelease(Exception):
    """Every clip of the version is in the test split, or its footage is no longer there."""


@dataclass(frozen=True, slots=True)
class StoredTarget:
    """A target written to the vault, not yet in the database."""

    entry: FileEntry
    blob_key: str
    data_key_id: UUID


@dataclass(frozen=True, slots=True)
class Packed:
    """A release, packed."""

    shards: list[Shard]
    clips: int
    documents: dict[str, bytes]
    manifest_sha256: str


def samples_of(
    session: Session, vault: Vault, release: Release, on_clip: Callable[[int], None]
) -> tuple[list[Sample], dict[str, str]]:
    """The release's samples in key order and each clip's split. Raises NothingToRelease."""
    rows = queries.items_to_pack(session, release.dataset_version_id, queries.RELEASED_SPLITS)
    gone = [clip.id for _, clip, recording in rows if recording.state != "ready"]
    if gone:
        raise NothingToRelease(
            f"clip {gone[0]} was withdrawn since the version was frozen: compose a new version"
        )
    if not rows:
        raise NothingToRelease(
            "every clip of the version is in the sealed test split: compose one with more exercises"
        )
    keys = {
        k.id: k
        for k in session.scalars(select(DataKey).where(DataKey.id.in_({r.data_key_id for _, _, r in rows})))
    }
    samples = []
    for position, (item, clip, recording) in enumerate(rows, 1):
        on_open = partial(on_clip, position)
        opened = _clip_opener(vault, keys[recording.data_key_id], clip.blob_key, on_open)
        document = clip_document(item, clip, recording).encode()
        members = (Member("mp4", clip.size, opened), Member.of_bytes("json", document))
        samples.append(Sample(str(clip.id), members))
    return samples, {str(item.clip_id): item.split or "" for item, _, _ in rows}


def _clip_opener(
    vault: Vault, key: DataKey, blob_key: str, on_open: Callable[[], None]
) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        on_open()
        return cast(BinaryIO, vault.open(key, blob_key))

    return opened


def clip_document(item: DatasetItem, clip: Clip, recording: Recording) -> ClipDocument:
    """The labels file of one clip, from what the freeze fixed."""
    record: dict[str, Any] = item.labels or {}
    return ClipDocument(
        clip=str(clip.id),
        recording=str(recording.id),
        exercise=str(item.exercise_id),
        split=item.split or "",
        taxonomy=record["taxonomy"],
        time_base=(recording.time_base_num or 0, recording.time_base_den or 1),
        start_frame=clip.start_frame,
        end_frame=clip.end_frame,
        start_pts=clip.start_pts,
        end_pts=clip.end_pts,
        labels=tuple(Label(**label) for label in record["labels"]),
    )


def pack(
    release: Release,
    samples: list[Sample],
    splits: dict[str, str],
    directory: Path,
    max_bytes: int,
    on_shard: Callable[[Shard, Path], None],
) -> Packed:
    """Packs shards into `directory`, hands each to `on_shard` when it is closed, and writes the release's papers."""

    @contextmanager
    def sink(path: str) -> Iterator[BinaryIO]:
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as handle:
            yield handle

    shards = []
    for shard in pack_shards(samples, sink, max_bytes=max_bytes):
        on_shard(shard, directory / shard.path)
        shards.append(shard)
    return Packed(shards, len(samples), *_papers(release, shards, splits))


def _papers(release: Release, shards: list[Shard], splits: dict[str, str]) -> tuple[dict[str, bytes], str]:
    """release.json, manifest.jsonl and clips.jsonl by target path, and the manifest's SHA-256 in hex."""
    release_id = str(release.id)
    index = encode_clip_index(shards, splits)
    index_entry = FileEntry.of_bytes(release_path(release_id, "clips.jsonl"), index)
    entries = [FileEntry(s.path, s.length, s.sha256) for s in shards] + [index_entry]
    manifest = encode_manifest(entries)
    manifest_entry = FileEntry.of_bytes(release_path(release_id, "manifest.jsonl"), manifest)
    version = release.dataset_version
    if version.frozen_at is None:
        raise RuntimeError("a release is built from a frozen version")
    taxonomy = release.dataset.taxonomy
    cover = ReleaseDocument(
        release_id=release_id,
        collection=release.dataset.slug,
        number=release.number,
        dataset_version=str(version.id),
        taxonomy=f"{taxonomy.name} {taxonomy.version}",
        created_at=version.frozen_at.isoformat(),
        clips=len(splits),
        shards=len(shards),
        total_bytes=sum(s.length for s in shards),
        splits=dict(sorted(Counter(splits.values()).items())),
        notes=release.notes,
        manifest=manifest_entry,
    )
    papers = {
        release_path(release_id, "release.json"): cover.encode(),
        manifest_entry.path: manifest,
        index_entry.path: index,
    }
    return papers, hashlib.sha256(manifest).hexdigest()


def complete_build(session: Session, release_id: UUID, packed: Packed, stored: list[StoredTarget]) -> None:
    """Makes a packed release the built one; a release that is no longer building is left alone."""
    release = session.get_one(Release, release_id, with_for_update={"of": Release})
    if release.state != "building":
        return
    repository = repository_for(
        session, release.dataset_id, lock=True
    )  # another build may store the same shard
    for target in stored:
        if (
            queries.target(session, repository.id, target.entry.path, bytes.fromhex(target.entry.sha256))
            is None
        ):
            session.add(
                TufTarget(
                    id=new_id(),
                    repository_id=repository.id,
                    release_id=release.id,
                    path=target.entry.path,
                    sha256=bytes.fromhex(target.entry.sha256),
                    size=target.entry.length,
                    blob_key=target.blob_key,
                    data_key_id=target.data_key_id,
                )
            )
    release.manifest_sha256 = bytes.fromhex(packed.manifest_sha256)
    release.shard_count, release.clip_count = len(packed.shards), packed.clips
    release.total_bytes = sum(s.length for s in packed.shards)
    release.state = "built"
    append(
        session,
        SYSTEM,
        Tag.RELEASE_BUILT,
        subject=("release", release.id),
        details={
            "manifest_sha256": packed.manifest_sha256,
            "clips": packed.clips,
            "shards": len(packed.shards),
        },
    )


def fail_build(session: Session, release_id: UUID, reason: str) -> None:
    """Ends a build that can never succeed, with the reason a person reads."""
    release = session.get_one(Release, release_id, with_for_update={"of": Release})
    if release.state == "building":
        release.state, release.reason = "failed", reason
        append(
            session, SYSTEM, Tag.RELEASE_FAILED, subject=("release", release.id), details={"reason": reason}
        )
