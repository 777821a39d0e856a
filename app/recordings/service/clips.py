"""Clips that were cut and stored, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from app.recordings.models import Clip
from ingest.report import ClipFacts


def clip_rows(
    recording_id: UUID, clip_set: int, clips: Iterable[ClipFacts], blob_key: Callable[[str], str]
) -> list[Clip]:
    """One set of a recording's clips, in their order; `blob_key` says where a clip's file is stored."""
    return [
        Clip(
            recording_id=recording_id,
            clip_set=clip_set,
            ordinal=ordinal,
            start_frame=one.start_frame,
            end_frame=one.end_frame,
            start_pts=one.start_pts,
            end_pts=one.end_pts,
            seconds=one.seconds,
            eventful=one.eventful,
            reasons=list(one.reasons),
            blob_key=blob_key(one.path),
            size=one.size,
            sha256=bytes.fromhex(one.sha256),
        )
        for ordinal, one in enumerate(clips)
    ]
