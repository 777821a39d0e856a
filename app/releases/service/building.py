"""Packing a release: deterministic shards of its samples, and the papers beside them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sqlalchemy.orm import Session

from app.audit.events import Tag
from app.audit.service import append
from app.core.identity import SYSTEM
from app.core.ids import new_id
from app.manifest.clips import encode_clip_index
from app.manifest.listing import FileEntry, encode_manifest
from app.manifest.release import Release as ReleaseDocument
from app.manifest.release import release_path
from app.manifest.shards import Sample, Shard, pack_shards
from app.releases import queries
from app.releases.models import Release, TufTarget
from app.releases.service.composing import repository_for
from app.releases.service.samples import Listed

FOOTAGE_GONE = "footage of the version was taken out of use while it was packed: compose a new version"


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


def pack(
    release: Release,
    samples: list[Sample],
    listed: dict[str, Listed],
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
    return Packed(shards, len(samples), *_papers(release, shards, listed))


def _papers(release: Release, shards: list[Shard], listed: dict[str, Listed]) -> tuple[dict[str, bytes], str]:
    """release.json, manifest.jsonl and clips.jsonl by target path, and the manifest's SHA-256 in hex."""
    release_id = str(release.id)
    splits = {key: one.split for key, one in listed.items()}
    index = encode_clip_index(shards, splits, {key: one.variant for key, one in listed.items()})
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
    """Makes a packed release the built one; a release that is no longer building is left alone.

    Where footage was withdrawn, set apart or erased while it was packed, the build ends: what it stored counts for
    nothing and is removed, with its keys.
    """
    release = session.get_one(Release, release_id, with_for_update={"of": Release})
    if release.state != "building":
        return
    if queries.footage_gone(session, release.dataset_version_id):  # the erasure looks at built releases alone
        fail_build(session, release_id, FOOTAGE_GONE)
        return
    _keep_targets(session, release, stored)
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


def _keep_targets(session: Session, release: Release, stored: list[StoredTarget]) -> None:
    """A row for each target that no other build has stored; the lock keeps another from storing it just now."""
    repository_id = repository_for(session, release.dataset_id, lock=True).id
    for target in stored:
        digest = bytes.fromhex(target.entry.sha256)
        if queries.target(session, repository_id, target.entry.path, digest) is None:
            session.add(
                TufTarget(
                    id=new_id(),
                    repository_id=repository_id,
                    release_id=release.id,
                    path=target.entry.path,
                    sha256=digest,
                    size=target.entry.length,
                    blob_key=target.blob_key,
                    data_key_id=target.data_key_id,
                )
            )


def fail_build(session: Session, release_id: UUID, reason: str) -> None:
    """Ends a build that can never succeed, with the reason a person reads."""
    release = session.get_one(Release, release_id, with_for_update={"of": Release})
    if release.state == "building":
        release.state, release.reason = "failed", reason
        append(
            session, SYSTEM, Tag.RELEASE_FAILED, subject=("release", release.id), details={"reason": reason}
        )
