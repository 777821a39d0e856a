"""Joins the parts of a recording without coding anything again, and proves it: every decoded picture is the parts', in
order, each at its time. Cost: two decodes of the pictures.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ingest.chapters import Chapter, put_in_order
from ingest.concat import JOINED_NAME, Examined, hash_pictures, inexact, join_exactly, part_name
from ingest.errors import FileRejected, MachineFault
from ingest.ffmpeg import Tools
from ingest.hashes import sha256_of
from ingest.probe import describe, probe
from ingest.profiles import Limits
from ingest.tags import created_of, read_tags
from ingest.workspace import SOURCE_NAME, open_workspace

PARTS_NAME, FORMAT = "parts.json", "cordon-parts/1"
# Codecs that the joined file's container, QuickTime, holds.
_HOLDS = {"h264", "hevc", "mpeg4", "mjpeg", "av1", "prores", "dvvideo", "mpeg2video"}


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the recording: its name, its SHA-256, and its frames [start_frame, end_frame) in the joined file."""

    name: str
    sha256: str
    start_frame: int
    end_frame: int


def join(
    parts: Sequence[Path],
    target: Path,
    *,
    tools: Tools,
    limits: Limits,
    names: Sequence[str] = (),
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Part, ...]:
    """Write the parts, in the order that their names and clocks tell, as one QuickTime file; return what is where.
    `names` are what the camera called them, where the files are called otherwise.

    Raises FileRejected when a part is no recording, they are not one, one is missing, or they cannot be joined exactly;
    MachineFault; Cancelled.
    """
    called = names or [path.name for path in parts]
    examined = [
        _examine(path, name, target.parent, tools, limits, should_stop)
        for path, name in zip(parts, called, strict=True)
    ]
    ordered = put_in_order([one.chapter for one in examined])
    rank = {id(chapter): place for place, chapter in enumerate(ordered)}
    examined.sort(key=lambda one: rank[id(one.chapter)])
    if examined[0].chapter.probe.video.codec not in _HOLDS:
        raise inexact(f"pictures coded as {examined[0].chapter.probe.video.codec} cannot be joined")
    with open_workspace(examined[0].path, target.parent, tools, limits, should_stop) as opened:
        workspace = replace(opened, others=tuple(one.path.resolve() for one in examined[1:]))
        for place, one in enumerate(examined):
            (workspace.path / part_name(place)).symlink_to(one.path.resolve())
        join_exactly(workspace, examined)
        shutil.move(workspace.path / JOINED_NAME, target)
    ends = np.cumsum([one.ledger.frame_count for one in examined]).tolist()
    starts = [0, *ends[:-1]]
    return tuple(
        Part(one.chapter.name, sha256_of(one.path), a, b)
        for one, a, b in zip(examined, starts, ends, strict=True)
    )


def parts_document(parts: Sequence[Part], joined: str) -> str:
    """What `parts.json` says of the joined file of that name: format `cordon-parts/1`, docs/formats.md."""
    document = {"format": FORMAT, "joined": joined, "parts": [asdict(part) for part in parts]}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write_parts(parts: tuple[Part, ...], joined: Path) -> None:
    """Write `parts.json` beside the joined file."""
    (joined.parent / PARTS_NAME).write_text(parts_document(parts, joined.name))


def _examine(
    path: Path, name: str, folder: Path, tools: Tools, limits: Limits, should_stop: Callable[[], bool] | None
) -> Examined:
    """Probe a part by itself, under the whitelists, and hash its pictures."""
    if not path.is_file():
        raise MachineFault(f"{name} is not a file that can be read")
    with open_workspace(path, folder, tools, limits, should_stop) as workspace:
        try:
            found = probe(workspace)
            described = describe(workspace)
            ledger = hash_pictures(
                workspace, SOURCE_NAME, str(found.video.index), found.packets, found.duration
            )
        except FileRejected as refusal:
            raise FileRejected(refusal.reason_code, f"{name}: {refusal.message}") from refusal
    streams = described.get("streams", [])
    telemetry = tuple(int(s["index"]) for s in streams if s.get("codec_tag_string") == "gpmd")
    created = created_of(read_tags(described))
    return Examined(path, Chapter(name, found, created), ledger, telemetry)
