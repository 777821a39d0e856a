"""Cuts the master into clips, exact to the frame.

A clip is a half-open interval of frames that starts on a key frame of the master, whose groups of pictures are
closed: its pictures are copied, not coded again, and are the master's own. Only the sound, whose packets do not
fall on picture boundaries, is cut by the sample and coded again.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ffmpeg

from ingest.errors import MachineFault
from ingest.frames import Ledger
from ingest.graph import CLEAN, MASTER_NAME, MP4
from ingest.intervals import Interval
from ingest.normalise import assert_same_times, compile_graph
from ingest.packets import read_packets
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.workspace import Workspace

CLIPS_DIR = "clips"
# Enough for AAC to find its feet before the first sample that is kept.
_SOUND_LEAD = Fraction(1, 2)


def cut(
    workspace: Workspace, probe: Probe, profile: Profile, ledger: Ledger, interval: Interval, name: str
) -> tuple[str, ...]:
    """Write one clip of the master to `name` and hold it to the ledger; returns the command.

    Raises MachineFault when the clip is not exactly the interval.
    """
    argv = compile_graph(workspace, _graph(probe, profile, ledger, interval, name))
    seconds = float(ledger.time_of(interval.end_frame) - ledger.time_of(interval.start_frame))
    done = workspace.run(argv, media_seconds=seconds)
    if done.status != 0:
        raise MachineFault(f"{name} could not be cut: {(done.stderr.splitlines() or ['no message'])[-1]}")
    made = read_packets(workspace, name, "v:0")
    assert_same_times(made, ledger, interval.start_frame, interval.end_frame, name)
    return ("ffmpeg", *argv[1:])


def _graph(probe: Probe, profile: Profile, ledger: Ledger, interval: Interval, name: str) -> Any:
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
    if probe.audio:
        lead = max(Fraction(0), start - _SOUND_LEAD)
        sound = ffmpeg.input(f"file:{MASTER_NAME}", ss=f"{float(lead):.6f}", noaccurate_seek=None)["a:0"]
        streams.append(
            sound.filter("atrim", start=f"{float(start):.6f}", end=f"{float(end):.6f}")
            .filter("asetpts", f"PTS-({float(start)!r})/TB")
            .filter("aresample", profile.audio_rate, **{"async": 1, "first_pts": 0})
        )
        options |= {"c:a": "aac", "b:a": profile.audio_bit_rate}
    return ffmpeg.output(*streams, name, **{**MP4, **CLEAN, **options}).global_args(
        "-nostdin", "-hide_banner", "-v", "error", "-copyts"
    )
