"""What a release packs: the clips of every split but the sealed test split, in the footage that the freeze chose, each
with its labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.models import DatasetItem
from app.manifest.clips import ClipDocument, Label
from app.manifest.clips import Footage as FootageDocument
from app.manifest.shards import Member, Sample
from app.recordings.models import Clip, Recording
from app.redaction.service import Footage, RedactionState, begun_and_not_finished, footage_of
from app.releases import queries
from app.releases.models import Release
from app.storage.models import DataKey
from app.storage.vault import Vault


class NothingToRelease(Exception):
    """Every clip of the version is in the test split, or its footage is no longer there."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the index says of a clip beside where it lies."""

    split: str
    variant: str


def samples_of(
    session: Session, vault: Vault, release: Release, on_clip: Callable[[int], None]
) -> tuple[list[Sample], dict[str, Listed]]:
    """The release's samples in key order and what the index says of each clip. Raises NothingToRelease."""
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
    footage = frozen_footage(session, rows)
    keys = {
        k.id: k
        for k in session.scalars(select(DataKey).where(DataKey.id.in_({r.data_key_id for _, _, r in rows})))
    }
    samples = []
    for position, (item, clip, recording) in enumerate(rows, 1):
        on_open = partial(on_clip, position)
        file = footage[clip.id]
        opened = _clip_opener(vault, keys[recording.data_key_id], file.blob_key, on_open)
        document = clip_document(item, clip, recording).encode()
        members = (Member("mp4", file.size, opened), Member.of_bytes("json", document))
        samples.append(Sample(str(clip.id), members))
    return samples, {
        str(i.clip_id): Listed(i.split or "", (i.footage or _untouched(c))["variant"]) for i, c, _ in rows
    }


def frozen_footage(session: Session, rows: list[tuple[DatasetItem, Clip, Recording]]) -> dict[UUID, Footage]:
    """Each clip's file as the freeze chose it. Raises NothingToRelease where a redaction was begun or ended since."""
    begun = begun_and_not_finished(session, {recording.id for _, _, recording in rows})
    try:
        found = footage_of(session, [clip for _, clip, _ in rows])
    except RedactionState as missing:
        raise NothingToRelease(missing.detail) from missing
    for item, clip, recording in rows:
        frozen = item.footage or {"sha256": clip.sha256.hex()}
        if recording.id in begun or found[clip.id].sha256.hex() != frozen["sha256"]:
            raise NothingToRelease(
                f"the redaction of recording {recording.id} was begun since the version was frozen: when it is"
                " finished, compose a new version"
            )
    return found


def _clip_opener(
    vault: Vault, key: DataKey, blob_key: str, on_open: Callable[[], None]
) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        on_open()
        return cast(BinaryIO, vault.open(key, blob_key))

    return opened


def _untouched(clip: Clip) -> dict[str, Any]:
    return {"variant": "original", "redaction": None, "sha256": clip.sha256.hex()}


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
        # as the freeze said it: a redaction that was looked through since, and hid nothing, changes no byte
        footage=FootageDocument(**(item.footage or _untouched(clip))),
    )
