"""What must be known before anything is coded: where time begins, and how loud the sound is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import ffmpeg

from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.framehash import take_listing
from ingest.probe import Probe
from ingest.workspace import SOURCE_NAME, Workspace

_FIRST_NAME = "first.txt"
_LOUDNESS = re.compile(r"^\s+I:\s+(-?\d+\.\d+|-inf|nan) LUFS", re.MULTILINE)
# What ffmpeg says when it has measured, and after it of an output that got nothing (fftools/ffmpeg_mux.c).
_SUMMARY, _EMPTY = "Summary:", "Output file is empty"
# What it says when the sound changes its layout, rate or format on the way (fftools/ffmpeg_filter.c).
_CHANGED = "because audio parameters changed"
# Samples at a time: a coder's frames are small, and handing them on costs more than some filters' work on them.
LARGE_FRAME = 4096
# Below this the sound is silence, and there is nothing to bring up (the absolute gate of ITU-R BS.1770).
_SILENCE_LUFS = -70.0


@dataclass(frozen=True, slots=True)
class Measured:
    """`zero` is the PTS of the first picture that decodes, in the track's time base: the master's time zero; its pixels
    take `picture_bytes`.
    `loudness` is the integrated loudness of the sound in LUFS; None where there is no sound, or only silence.
    `heard` is False where not one sample of the sound can be decoded; `changing` is True where its layout, rate or
    format is not the same from beginning to end (the loudness is then that of the last of them)."""

    zero: int
    loudness: float | None
    heard: bool
    changing: bool = False
    picture_bytes: int = 0


def measure(workspace: Workspace, probe: Probe) -> Measured:
    """Decode the first picture and all of the sound, once. Raises FileRejected when not one picture decodes."""
    done = workspace.run(workspace.compile(_graph(workspace, probe)), media_seconds=probe.duration)
    pictures = take_listing(workspace.path / _FIRST_NAME)
    if not pictures:
        raise FileRejected("undecodable", "Not one picture of the file can be decoded.")
    heard = probe.audio is not None and _EMPTY not in done.stderr.rpartition(_SUMMARY)[2]
    return Measured(
        zero=pictures[0].pts,
        picture_bytes=pictures[0].size,
        loudness=_integrated(done.stderr),
        heard=heard,
        changing=_CHANGED in done.stderr,
    )


def _graph(workspace: Workspace, probe: Probe) -> Any:
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
    timing = {"fps_mode": "passthrough", "enc_time_base": "demux", "f": "framehash"}
    first = {"frames:v": 1, "c:v": "rawvideo", **timing}
    outputs = [ffmpeg.output(source[str(probe.video.index)], _FIRST_NAME, **first)]
    if probe.audio:
        loudness = f"asetnsamples={LARGE_FRAME}:p=0,ebur128=framelog=quiet"
        outputs.append(ffmpeg.output(source[str(probe.audio.index)], "-", af=loudness, f="null"))
    return ffmpeg.merge_outputs(*outputs).global_args(
        "-nostdin", "-hide_banner", "-v", "info", "-nostats", "-copyts"
    )


def _integrated(said: str) -> float | None:
    """The last summary of ffmpeg's `ebur128`: what came before it is the file's own words."""
    found = _LOUDNESS.findall(said)
    value = float(found[-1]) if found else float("-inf")
    return value if value > _SILENCE_LUFS else None
