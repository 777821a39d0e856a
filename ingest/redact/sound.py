"""Takes voices out of a recording's sound: silence, or a voice that is not the speaker's.

Silence is the only one of the two that cannot be undone. A changed voice (pitch and formants lowered by a quarter)
keeps the words, and shots between them; whoever knows the factor can raise it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.ffmpeg import input_options
from ingest.frames import Ledger
from ingest.redact.regions import Region
from ingest.workspace import SOURCE_NAME, Workspace

SOUND_NAME, _CHANGED_NAME = "sound.s16", "changed.s16"
_PITCH = 0.75
_FADE_SECONDS = 0.01


def redact_sound(
    workspace: Workspace, ledger: Ledger, regions: Iterable[Region], *, rate: int, channels: int
) -> None:
    """Write the source's sound, with the regions' intervals silent or changed, to SOUND_NAME: raw 16-bit samples,
    channels interleaved, at `rate`. Raises Unexplained."""
    changed = [r for r in regions if r.style == "voice_change"]
    muted = [r for r in regions if r.style == "mute"]
    seconds = float(ledger.time_of(ledger.frame_count))
    argv = workspace.compile(_graph(workspace, rate, channels, changed=bool(changed)))
    done = workspace.run(argv, media_seconds=seconds)
    if done.status != 0:
        raise Unexplained(f"the sound cannot be decoded: {(done.stderr.splitlines() or ['no message'])[-1]}")
    sound = _samples(workspace.path / SOUND_NAME, channels, "r+")
    if changed:
        other = _samples(workspace.path / _CHANGED_NAME, channels, "r")
        for region in changed:
            _replace(sound, other, *_bounds(ledger, region, rate), int(rate * _FADE_SECONDS))
    silence = np.zeros((0, channels), dtype=np.int16)
    for region in muted:
        _replace(sound, silence, *_bounds(ledger, region, rate), int(rate * _FADE_SECONDS))
    sound.flush()


def _graph(workspace: Workspace, rate: int, channels: int, *, changed: bool) -> Any:
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
    sound = source["a:0"].filter("aresample", rate, **{"async": 1, "first_pts": 0})
    raw = {"f": "s16le", "c:a": "pcm_s16le", "ac": channels}
    quiet = ("-nostdin", "-hide_banner", "-v", "error")
    if not changed:
        return ffmpeg.output(sound, SOUND_NAME, **raw).global_args(*quiet)
    branches = sound.filter_multi_output("asplit", 2)
    lower = (
        branches[1]
        .filter("asetrate", round(rate * _PITCH))
        .filter("aresample", rate)
        .filter("atempo", 1 / _PITCH)
    )
    outputs = (
        ffmpeg.output(branches[0], SOUND_NAME, **raw),
        ffmpeg.output(lower, _CHANGED_NAME, **raw),
    )
    return ffmpeg.merge_outputs(*outputs).global_args(*quiet)


def _samples(path: Path, channels: int, mode: Any) -> np.memmap[Any, np.dtype[np.int16]]:
    count = path.stat().st_size // (2 * channels)
    return np.memmap(path, dtype="<i2", mode=mode, shape=(count, channels))


def _bounds(ledger: Ledger, region: Region, rate: int) -> tuple[int, int]:
    """Samples from and to: from the region's first frame until its last one ends, widened to whole samples."""
    start, end = ledger.time_of(region.start_frame) * rate, ledger.time_of(region.end_frame) * rate
    return start.__floor__(), end.__ceil__()


def _replace(sound: NDArray[np.int16], by: NDArray[np.int16], start: int, end: int, fade: int) -> None:
    """Put `by` (silence where it is too short) over samples [start, end); the fades lie outside, so nothing leaks."""
    end = min(end, len(sound))
    first, last = max(0, start - fade), min(len(sound), end + fade)
    if first >= last:
        return
    place = np.arange(first, last)
    weight = np.clip(np.minimum((place - start) / fade + 1, (end + fade - 1 - place) / fade), 0, 1)
    weight[(place >= start) & (place < end)] = 1
    other = np.zeros((last - first, sound.shape[1]))
    given = by[first:last]
    other[: len(given)] = given
    mixed = sound[first:last] * (1 - weight[:, None]) + other * weight[:, None]
    sound[first:last] = np.round(mixed).astype(np.int16)
