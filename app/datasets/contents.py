"""What a frozen version holds, in the one form that is stored, hashed and released."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from app.annotation.models import Annotation, Task
from app.datasets.models import DatasetItem


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


def item_line(item: DatasetItem) -> str:
    return json.dumps([str(item.clip_id), item.clip.sha256.hex(), item.split, item.labels], sort_keys=True)


def digest_of_lines(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
