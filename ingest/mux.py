"""Puts pictures and sound together: master, proxy, and the proxy once more as CMAF with an HLS playlist."""

from __future__ import annotations

from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.ffmpeg import GLOBAL, input_options
from ingest.frames import Ledger
from ingest.graph import CLEAN, MASTER_NAME, MP4, PROXY_NAME
from ingest.packets import Packets, read_packets
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.sound import SOUND_NAME
from ingest.workspace import SOURCE_NAME, Workspace

PLAYLIST_NAME, STREAM_NAME = "stream.m3u8", "stream.mp4"
JOINED = "joined-"
# Slices and parameter sets (ITU-T H.264, table 7-1): what a stranger stored in units of other types stays behind.
_PICTURES_ALONE = "filter_units=pass_types=1-5|7-8"


def mux(
    workspace: Workspace, plan: Plan, profile: Profile, ledger: Ledger
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Write master, proxy and stream from the joined pictures and the sound in the workspace, nothing coded anew.

    Returns the command and the ordinals of the master's key frames. Raises Unexplained when a rendition does not hold
    the ledger's frames at their times.
    """
    argv = workspace.compile(_graph(workspace, plan, profile))
    done = workspace.run(argv, media_seconds=plan.source.duration)
    if done.status != 0:
        raise Unexplained(
            f"the renditions could not be put together: {(done.stderr.splitlines() or ['?'])[-1]}"
        )
    keys = _check(workspace, ledger, MASTER_NAME)
    _check(workspace, ledger, PROXY_NAME)
    return ("ffmpeg", *argv[1:]), keys


def _graph(workspace: Workspace, plan: Plan, profile: Profile) -> Any:
    proxy, sound = ffmpeg.input(f"file:{JOINED}{PROXY_NAME}", f="mov")["v:0"], _sound(plan)
    stream = {
        "hls_time": 0.9 * profile.gop_seconds,
        "hls_playlist_type": "vod",
        "hls_segment_type": "fmp4",
        "hls_flags": "single_file+independent_segments",
        "hls_segment_filename": STREAM_NAME,
    }
    return ffmpeg.merge_outputs(
        master_graph(workspace, plan),
        ffmpeg.output(proxy, *sound, PROXY_NAME, **MP4, c="copy"),
        ffmpeg.output(proxy, *sound, PLAYLIST_NAME, **CLEAN, c="copy", f="hls", **stream),
    ).global_args(*GLOBAL)


def master_graph(workspace: Workspace, plan: Plan) -> Any:
    """The master from its pictures, joined or the source's own, and its sound: nothing is coded."""
    if plan.copied:
        source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
        pictures = source[str(plan.source.video.index)]
    else:
        pictures = ffmpeg.input(f"file:{JOINED}{MASTER_NAME}", f="mov")["v:0"]
    return ffmpeg.output(pictures, *_sound(plan), MASTER_NAME, **MP4, c="copy", **_copied(plan))


def _sound(plan: Plan) -> list[Any]:
    return [ffmpeg.input(f"file:{SOUND_NAME}", f="mov")["a:0"]] if plan.source.audio else []


def _copied(plan: Plan) -> dict[str, str]:
    """Pictures copied from the source lose its SEI units, which may say who and where, say their colours outright as
    the coded ones do, and start at time zero."""
    zero = plan.measured.zero
    # whatever a container says of them: the pictures may say nothing, or something else
    colours = "h264_metadata=colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1"
    times = f"setts=pts=PTS-({zero}):dts=DTS-({zero})"
    return {"bsf:v": f"{_PICTURES_ALONE},{colours},{times}"} if plan.copied else {}


def _check(workspace: Workspace, ledger: Ledger, name: str) -> NDArray[np.int64]:
    """Hold a rendition to the ledger: as many frames, each at its time. Returns the ordinals of its key frames."""
    made = read_packets(workspace, name, "v:0")
    assert_same_times(made, ledger, 0, ledger.frame_count, name)
    return np.flatnonzero(made.clean)


def assert_same_times(made: Packets, ledger: Ledger, start: int, end: int, name: str) -> None:
    """Raise Unexplained unless `made` holds frames [start, end) of the ledger at their times, exactly."""
    # cross-multiplied: both time bases are fractions, and equal means equal
    expected = (ledger.pts[start:end] - ledger.pts[start]) * (
        ledger.time_base.numerator * made.time_base.denominator
    )
    actual = made.pts * (made.time_base.numerator * ledger.time_base.denominator)
    if not np.array_equal(actual, expected):
        raise Unexplained(f"{name} does not hold frames {start} to {end} at their times")
