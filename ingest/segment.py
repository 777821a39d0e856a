"""Cuts the master into clips, exact to the frame.

A clip is a half-open interval of frames that starts on a key frame of the master, whose groups of pictures are
closed: its pictures are copied, not coded again, and are the master's own. Only the sound, whose packets do not
fall on picture boundaries, is cut by the sample and coded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ffmpeg

from ingest.errors import Unexplained
from ingest.ffmpeg import GLOBAL
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME, MP4
from ingest.intervals import Interval
from ingest.mux import assert_same_times
from ingest.packets import read_packets
from ingest.profiles import Profile
from ingest.workspace import Workspace

CLIPS_DIR = "clips"
# Clips cut in one run of ffmpeg: starting a confined process costs more than cutting a clip.
_AT_ONCE = 8
# Enough for AAC to find its feet before the first sample that is kept.
_SOUND_LEAD = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Cut:
    """A clip that was written: its path within the output, its frames, and the command that made it."""

    path: str
    interval: Interval
    command: tuple[str, ...]


def cut_all(
    workspace: Workspace, profile: Profile, ledger: Ledger, intervals: Sequence[Interval], *, sound: bool
) -> Iterator[Cut]:
    """Write the clips of the master into `clips/`, several in one run, with its `sound` if it has any, and hold each to
    the ledger.

    Raises Unexplained when a clip is not exactly its interval.
    """
    (workspace.path / CLIPS_DIR).mkdir()
    for first in range(0, len(intervals), _AT_ONCE):
        named = [(clip_name(n), intervals[n]) for n in range(first, min(first + _AT_ONCE, len(intervals)))]
        command = _cut(workspace, profile, ledger, named, sound=sound)
        for name, interval in named:
            made = read_packets(workspace, name, "v:0")
            assert_same_times(made, ledger, interval.start_frame, interval.end_frame, name)
            yield Cut(name, interval, command)


def clip_name(number: int) -> str:
    """Path of a clip within the output."""
    return f"{CLIPS_DIR}/{number:04}.mp4"


def _cut(
    workspace: Workspace,
    profile: Profile,
    ledger: Ledger,
    named: Sequence[tuple[str, Interval]],
    *,
    sound: bool,
) -> tuple[str, ...]:
    outputs = [_graph(profile, ledger, interval, name, sound=sound) for name, interval in named]
    argv = workspace.compile(ffmpeg.merge_outputs(*outputs).global_args(*GLOBAL))
    seconds = sum(float(ledger.time_of(i.end_frame) - ledger.time_of(i.start_frame)) for _, i in named)
    done = workspace.run(argv, media_seconds=seconds)
    if done.status != 0:
        said = (done.stderr.splitlines() or ["no message"])[-1]
        raise Unexplained(f"{named[0][0]} and those after it could not be cut: {said}")
    return ("ffmpeg", *argv[1:])


def _graph(profile: Profile, ledger: Ledger, interval: Interval, name: str, *, sound: bool) -> Any:
    start, end = ledger.time_of(interval.start_frame), ledger.time_of(interval.end_frame)
    # Seek to the middle of the key frame: rounding to microseconds must not fall on the one before.
    middle = start + (ledger.time_of(interval.start_frame + 1) - start) / 2
    picture = ffmpeg.input(f"file:{MASTER_NAME}", ss=f"{float(middle):.6f}", noaccurate_seek=None)
    streams = [picture["v:0"]]
    options: dict[str, Any] = {
        "c:v": "copy",
        "bsf:v": "setts=pts=PTS-STARTPTS:dts=DTS-STARTPTS",
        "frames:v": interval.end_frame - interval.start_frame,
        "copypriorss": 1,
    }
    if sound:
        lead = start - _SOUND_LEAD
        # no seek to the very start: it would skip the packet that AAC needs before its first sample
        at = {"ss": f"{float(lead):.6f}", "noaccurate_seek": None} if lead > 0 else {}
        heard = ffmpeg.input(f"file:{MASTER_NAME}", **at)["a:0"]
        streams.append(
            heard.filter("atrim", start=f"{float(start):.6f}", end=f"{float(end):.6f}")
            .filter("asetpts", f"PTS-({float(start)!r})/TB")
            .filter("aresample", profile.audio_rate, **{"async": 1, "first_pts": 0})
            .filter("apad", whole_dur=f"{float(end - start):.6f}")  # sound may end before the pictures
        )
        options |= profile.aac()
    return ffmpeg.output(*streams, name, **{**MP4, **options})
