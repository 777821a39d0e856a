"""One ffmpeg graph that makes everything that is seen, and the frame ledger, from a single decode of one chunk.

The ledger's output hangs on the undecorated decode; everything else on one upright, scaled branch whose time zero is
the recording's first frame. All outputs pass frames through one for one.
"""

from __future__ import annotations

from typing import Any

import ffmpeg
import numpy as np

from ingest.chunks import Chunk
from ingest.ffmpeg import GLOBAL, input_options
from ingest.fingerprint import SIDE
from ingest.picture import Size, display_size, tile_size, upright
from ingest.plan import Plan
from ingest.probe import Probe
from ingest.profiles import Limits, Profile
from ingest.rhythm import key_frame_expression, seconds_since, select_expression
from ingest.samples import Taking
from ingest.signals.pictures import HEIGHT, WIDTH
from ingest.workspace import SOURCE_NAME

FRAMES_NAME = "frames.txt"
MASTER_NAME, PROXY_NAME, POSTER_NAME = "master.mp4", "proxy.mp4", "poster.jpg"
GREY_NAME, RAW_SAMPLES_NAME, TILES_NAME = "gray.raw", "samples.rgb", "tiles.rgb"
# No title, place, time or encoder's name reaches a rendition, and no bytes that differ from run to run.
CLEAN = {
    "map_metadata": -1,
    "map_chapters": -1,
    "fflags": "+bitexact",
    "flags": "+bitexact",
}
MP4 = {**CLEAN, "metadata:s:v": "encoder=", "movflags": "+faststart", "write_tmcd": 0, "f": "mp4"}
# A chunk's file is the fragments of one long MP4: each says its own time, so that chunks join byte by byte.
FRAGMENTS = {
    **MP4,
    "movflags": "+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
    "avoid_negative_ts": "disabled",
}
# Never reached: a key frame is forced each interval. (With `keyint=infinite` and two threads, x264's bytes differed
# from run to run.)
_LONGEST_GOP = 1000
# SEI units hold x264's version and options; the decoder needs none of them.
NO_SEI = "filter_units=remove_types=6"


def storyboard_interval(probe: Probe, profile: Profile) -> float:
    """Whole seconds between the storyboard's tiles, of which there are at most `storyboard_tiles`."""
    return max(1.0, -(-(probe.span + 1) // profile.storyboard_tiles))


def storyboard_tile(probe: Probe, profile: Profile) -> Size:
    """Size of the storyboard's tiles, in pixels."""
    return tile_size(display_size(probe.video, profile.proxy_short_side), profile.storyboard_width)


def poster_time(probe: Probe) -> float:
    """Seconds into the recording at which the poster is taken: a tenth, at most 10 s."""
    return min(10.0, probe.span / 10)


def build(plan: Plan, chunk: Chunk, profile: Profile, limits: Limits) -> Any:
    """Return the ffmpeg-python stream that makes all that is seen of one chunk, by relative names.

    The master's pictures are left out where they are copied from the source.
    """
    branches = decoded(plan, chunk, limits).filter_multi_output("split", 2)
    ledger = hashed(branches[0], FRAMES_NAME)
    outputs = [ledger, *_outputs(_zero_based(branches[1], plan), plan, chunk, profile)]
    return ffmpeg.merge_outputs(*outputs).global_args(
        *GLOBAL, "-nostats", "-progress", "pipe:1", "-filter_complex_threads", str(profile.filter_threads)
    )


def hashed(picture: Any, name: str) -> Any:
    """The output that tells time and hash of each picture (framehash), at the source's own times and sizes."""
    options = {"c:v": "rawvideo", "fps_mode": "passthrough", "enc_time_base": "demux", "f": "framehash"}
    # or a picture of another size than the first would be hashed, and pass, at the first one's
    return ffmpeg.output(picture, name, **options, hash="murmur3", noautoscale=None)


def decoded(plan: Plan, chunk: Chunk, limits: Limits) -> Any:
    """The chunk's frames as the decoder gives them, with the source's own time stamps."""
    # rotation is done later, by hand: the ledger hashes what was decoded, not what was turned
    options: dict[str, Any] = {"display_rotation:v": 0}
    bounds: dict[str, int] = {}
    if chunk.seek is not None:
        options |= {"ss": f"{chunk.seek:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
        bounds["start_pts"] = chunk.start_pts
    if chunk.end_pts is not None:
        bounds["end_pts"] = (
            chunk.end_pts
        )  # the filter ends the decoding; `-to` would go by the order of storing
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **options, **input_options(limits))
    picture = source[str(plan.source.video.index)]
    return picture.filter("trim", **bounds) if bounds else picture


def _zero_based(picture: Any, plan: Plan) -> Any:
    return picture.filter("setpts", f"PTS-({plan.measured.zero})")


def _outputs(picture: Any, plan: Plan, chunk: Chunk, profile: Profile) -> list[Any]:
    source, before = plan.source, time_before(plan, chunk)
    large = display_size(source.video, profile.max_short_side)
    small = display_size(source.video, profile.proxy_short_side)
    tile = storyboard_tile(source, profile)
    master, poster = not plan.copied, before is None
    branches = upright(picture, source.video, large).filter_multi_output("split", 2 + master + poster)
    reduced = branches[0].filter("scale", small.width, small.height).filter_multi_output("split", 3)
    samples = branches[1].filter("select", taking_of(plan, chunk, profile).expression())
    # and the chunk's first frame, which is left out again: an output that gets no frame makes ffmpeg fail
    due = select_expression(storyboard_interval(source, profile), before)
    tiles = reduced[2].filter("select", f"gt({due}+eq(n,0),0)")
    outputs = [
        _video(reduced[0], PROXY_NAME, profile, profile.proxy_preset, profile.proxy_crf),
        _raw(_grey(reduced[1]), GREY_NAME, "gray"),
        _raw(tiles.filter("scale", tile.width, tile.height), TILES_NAME, "rgb24"),
        _raw(samples.filter("scale", SIDE, SIDE, flags="area"), RAW_SAMPLES_NAME, "rgb24"),
    ]
    if master:
        outputs.append(_video(branches[2], MASTER_NAME, profile, profile.preset, profile.crf))
    if poster:
        # the first frame serves where none that decodes comes so late: the later one is written over it
        late = f"gte(t,{poster_time(source):.3f})*not(gte(prev_selected_t,{poster_time(source):.3f}))"
        shown = branches[2 + master].filter("select", f"gt(eq(n,0)+{late},0)")
        outputs.append(_still(shown, POSTER_NAME))
    return outputs


def taking_of(plan: Plan, chunk: Chunk, profile: Profile) -> Taking:
    """Which of the chunk's frames are taken for samples and fingerprints."""
    return Taking(
        chunk.first, time_before(plan, chunk), plan.source.video.average_rate, profile.sample_seconds
    )


def time_before(plan: Plan, chunk: Chunk) -> float | None:
    """Time of the last frame before the chunk, in seconds, computed as ffmpeg's filters do."""
    if chunk.before is None:
        return None
    return float(seconds_since(plan.measured.zero, np.array(chunk.before), plan.source.video.time_base))


def _grey(picture: Any) -> Any:
    return picture.filter("scale", WIDTH, HEIGHT, flags="area", out_range="pc")


def _raw(picture: Any, name: str, pixels: str) -> Any:
    return ffmpeg.output(picture, name, f="rawvideo", pix_fmt=pixels, fps_mode="passthrough")


def _still(picture: Any, name: str) -> Any:
    options = {
        "c:v": "mjpeg",
        "q:v": 4,
        "frames:v": 2,
        "pix_fmt": "yuvj420p",
        "threads": 1,
        "fps_mode": "passthrough",
    }
    return ffmpeg.output(picture, name, **CLEAN, **options, f="image2", update=1)


def _video(picture: Any, name: str, profile: Profile, preset: str, crf: int) -> Any:
    coding = {
        "c:v": "libx264",
        "preset": preset,
        "crf": crf,
        "threads": profile.threads,
        "bf": 0,
        # closed groups, one for each whole interval and none in between, whatever the frame rate does
        "force_key_frames": key_frame_expression(profile.gop_seconds),
        "forced-idr": 1,
        "g": _LONGEST_GOP,
        "sc_threshold": 0,
        "bsf:v": NO_SEI,
        "fps_mode": "passthrough",
        "enc_time_base": "demux",
    }
    return ffmpeg.output(picture, name, **FRAGMENTS, **coding)
