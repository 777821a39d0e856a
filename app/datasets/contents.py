"""What a frozen version holds, in the one form that is stored, hashed and released."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from app.annotation.models import Annotation, Task
from app.datasets.models import DatasetItem
from app.recordings.models import Clip, Recording
from app.redaction.service import Footage


def labels_record(task: Task, annotations: list[Annotation]) -> dict[str, Any]:
    """The accepted labels of one clip, frozen; `assignment` leads back to who drew them."""
    fields = ("kind", "label", "start_frame", "end_frame", "start_pts", "end_pts")
    return {
        "taxonomy": f"{task.taxonomy.name} {task.taxonomy.version}",
        "assignment": str(task.accepted_assignment_id),
        "labels": [
            {f: getattr(a, f) for f in fields} | {"keyframes": a.keyframes or [], "attributes": a.attributes}
            for a in annotations
        ],
    }


def footage_record(footage: Footage) -> dict[str, Any]:
    """Which file of a clip a version holds, frozen."""
    redaction = str(footage.redaction_id) if footage.redaction_id else None
    return {"variant": footage.variant, "redaction": redaction, "sha256": footage.sha256.hex()}


def item_line(item: DatasetItem) -> str:
    """What the version's digest covers of one clip. A clip that no redaction concerns has the line it always had."""
    footage: dict[str, Any] = item.footage or {"sha256": item.clip.sha256.hex()}
    said = [str(item.clip_id), footage["sha256"], item.split, item.labels]
    if footage.get("redaction"):
        said.append({"variant": footage["variant"], "redaction": footage["redaction"]})
    return json.dumps(said, sort_keys=True)


def digest_of_lines(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def held_twice(clips: Mapping[UUID, tuple[Clip, Recording]]) -> list[str]:
    """Why these clips would hold frames twice, one sentence for each recording: it is a part of a joined one, or its
    clips are of two sets, for it was cut anew."""
    problems = []
    sets: dict[UUID, set[int]] = {}
    recordings = {recording.id: recording for _, recording in clips.values()}
    for clip, _ in clips.values():
        sets.setdefault(clip.recording_id, set()).add(clip.clip_set)
    for id_, recording in sorted(recordings.items()):
        if recording.part_of_id is not None:
            problems.append(
                f"“{recording.filename}” is a part of recording {recording.part_of_id}: take that one's clips"
            )
        elif len(sets[id_]) > 1:
            problems.append(f"“{recording.filename}” was cut anew: take clips of one set alone")
    return problems
