"""Regions to and from their rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.core.ids import new_id
from app.redaction.models import RedactionRegion
from app.redaction.regions import Wanted
from ingest.frames import Ledger
from ingest.redact.regions import Keyframe, Region


def row_of(redaction_id: UUID, wanted: Wanted, ledger: Ledger, **values: Any) -> RedactionRegion:
    """The region's row, its PTS copied from the ledger."""
    return RedactionRegion(
        id=new_id(),
        redaction_id=redaction_id,
        kind=wanted.kind,
        style=wanted.style,
        keyframes=wanted.keyframes,
        score=wanted.score,
        **interval(ledger, wanted.start_frame, wanted.end_frame),
        **values,
    )


def interval(ledger: Ledger, start: int, end: int) -> dict[str, int]:
    """The columns that say when."""
    return {
        "start_frame": start,
        "end_frame": end,
        "start_pts": ledger.pts_of(start),
        "end_pts": ledger.pts_of(end),
    }


def to_render(row: RedactionRegion) -> Region:
    """The region as the renderer wants it."""
    keyframes = tuple(Keyframe.from_json(stored) for stored in row.keyframes or [])
    return Region(row.style, row.start_frame, row.end_frame, keyframes)  # type: ignore[arg-type]  # a CHECK holds it
