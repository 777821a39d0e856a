"""Whether H.264 goes by the same parameter sets from beginning to end.

A header has room for those that a file starts with. Where others are stored among the pictures, or in a second sample
description, a clip that is cut from behind them without coding carries the wrong ones; where every group brings its
own, it carries them along.
"""

from __future__ import annotations

from ingest.boxes import picture_descriptions
from ingest.ffmpeg import input_options
from ingest.probe import Probe
from ingest.workspace import SOURCE_NAME, Workspace

_SETS_NAME = "sets.txt"


def same_parameters(workspace: Workspace, source: Probe) -> bool:
    """True when the container describes one coding and no key frame carries parameter sets, or every one carries the
    same and no other picture any."""
    if picture_descriptions(workspace.source) > 1:
        return False
    target = workspace.path / _SETS_NAME
    argv = [str(workspace.tools.ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y", "-copyts"]
    for option, value in input_options(workspace.limits).items():
        argv += [f"-{option}", str(value)]
    argv += ["-i", f"file:{SOURCE_NAME}", "-map", f"0:{source.video.index}", "-c", "copy"]
    # ITU-T H.264, table 7-1: 7 and 8 are parameter sets, 13 and 15 those of extensions
    argv += ["-bsf:v", "filter_units=pass_types=7-8|13|15", "-f", "framehash", "-hash", "murmur3", _SETS_NAME]
    done = workspace.run(argv, media_seconds=source.duration)
    if done.status != 0 or not target.exists():
        return False
    with target.open() as lines:  # of FFmpeg's framehash: "stream, dts, pts, duration, size, hash"
        rows = [line.split(",") for line in lines if not line.startswith("#")]
    target.unlink()
    packets = source.packets
    at = sorted(int(row[2]) for row in rows)
    return not rows or (
        at == packets.pts[packets.key].tolist() and len({row[5].strip() for row in rows}) == 1
    )
