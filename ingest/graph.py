"""One ffmpeg graph that makes every rendition, and the frame ledger, from a single decode.

The ledger's output hangs on the undecorated decode; everything else on one rotated, scaled, zero-based branch.
All outputs pass frames through one for one; time zero is the first frame, and sound is cut or padded to it.
"""

from __future__ import annotations

from typing import Any

import ffmpeg

from ingest.ffmpeg import input_options
from ingest.picture import display_size, upright
from ingest.probe import Probe
from ingest.profiles import Limits, Profile
from ingest.workspace import SOURCE_NAME

FRAMES_NAME = "frames.txt"
MASTER_NAME, PROXY_NAME = "master.mp4", "proxy.mp4"
STORYBOARD_NAME, POSTER_NAME, PCM_NAME = "storyboard.jpg", "poster.jpg", "audio.wav"
# No title, place, time or encoder's name reaches a rendition, and no bytes that differ from run to run.
CLEAN = {
    "map_metadata": -1,
    "map_chapters": -1,
    "fflags": "+bitexact",
    "flags": "+bitexact",
}
MP4 = {**CLEAN, "metadata:s:v": "encoder=", "movflags": "+faststart", "write_tmcd": 0, "f": "mp4"}
# Never reached: a key frame is forced each interval. (With `keyint=infinite` and two threads, x264's bytes differed
# from run to run.)
_LONGEST_GOP = 1000
# SEI units hold x264's version and options; the decoder needs none of them.
NO_SEI = "filter_units=remove_types=6"


def storyboard_interval(probe: Probe, profile: Profile) -> float:
    """Seconds between the storyboard's tiles: a whole number of them fits `storyboard_tiles`."""
    return max(1.0, -(-probe.span // profile.storyboard_tiles))


def poster_time(probe: Probe) -> float:
    """Seconds into the recording at which the poster is taken: a tenth, at most 10 s."""
    return min(10.0, probe.span / 10)


def build(probe: Probe, profile: Profile, limits: Limits) -> Any:
    """Return the ffmpeg-python stream that makes all renditions `probe` allows, by relative names."""
    source = ffmpeg.input(
        f"file:{SOURCE_NAME}",
        # rotation is done below, by hand: the ledger hashes what was decoded, not what was turned
        **{"display_rotation:v": 0, "threads": profile.decoder_threads, **input_options(limits)},
    )
    picture = source[str(probe.video.index)]
    ledger = ffmpeg.output(
        picture,
        FRAMES_NAME,
        **{"c:v": "rawvideo", "fps_mode": "passthrough", "enc_time_base": "demux", "f": "framehash"},
        hash="murmur3",
    )
    pictures = _pictures(picture, probe, profile)
    sounds = _sounds(source, probe, profile)
    outputs = [
        ledger,
        _video_output([pictures[0], *sounds[:1]], _master_options(probe, profile), profile, MASTER_NAME),
        _video_output([pictures[1], *sounds[1:2]], _proxy_options(profile), profile, PROXY_NAME),
        _still(pictures[2], STORYBOARD_NAME),
        _still(pictures[3], POSTER_NAME),
    ]
    if sounds:
        options = {"c:a": "pcm_s16le", "ac": 1, "ar": profile.pcm_rate, "f": "wav"}
        outputs.append(ffmpeg.output(sounds[2], PCM_NAME, **CLEAN, **options))
    return ffmpeg.merge_outputs(*outputs).global_args(
        "-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1", "-copyts",
        "-filter_complex_threads", str(profile.decoder_threads),
    )  # fmt: skip


def _pictures(picture: Any, probe: Probe, profile: Profile) -> list[Any]:
    """Master, proxy, storyboard and poster, from one upright branch."""
    size = display_size(probe.video, profile.max_short_side)
    small = display_size(probe.video, profile.proxy_short_side)
    branches = upright(picture, probe.video, size).filter_multi_output("split", 4)
    return [
        branches[0],
        branches[1].filter("scale", small.width, small.height),
        _tiles(branches[2], probe, profile),
        branches[3].filter("select", f"gte(t,{poster_time(probe):.3f})"),
    ]


def _sounds(source: Any, probe: Probe, profile: Profile) -> list[Any]:
    """Master's, proxy's and PCM sound, or none, with time zero at the first picture: gaps filled with silence, what
    comes before it cut."""
    if probe.audio is None:
        return []
    zero = float(probe.video.first_pts * probe.video.time_base)
    sound = (
        source[str(probe.audio.index)]
        .filter("asetpts", f"PTS-({zero!r})/TB")
        .filter("atrim", start=0)
        .filter("aresample", profile.audio_rate, **{"async": 1, "first_pts": 0})
        .filter_multi_output("asplit", 3)
    )
    return [sound[0], sound[1], sound[2]]


def _tiles(picture: Any, probe: Probe, profile: Profile) -> Any:
    interval = storyboard_interval(probe, profile)
    rows = tile_rows(probe, profile)
    return (
        picture.filter("select", f"gte(t+0.0005,selected_n*{interval})")
        .filter("scale", profile.storyboard_width, -2)
        .filter("tile", f"{profile.storyboard_columns}x{rows}")
    )


def tile_rows(probe: Probe, profile: Profile) -> int:
    """Rows of the storyboard: enough for one tile each interval."""
    tiles = int(probe.span // storyboard_interval(probe, profile)) + 1
    return -(-tiles // profile.storyboard_columns)


def _still(picture: Any, name: str) -> Any:
    options = {
        "c:v": "mjpeg",
        "q:v": 4,
        "frames:v": 1,
        "pix_fmt": "yuvj420p",
        "threads": 1,
        "fps_mode": "passthrough",
    }
    return ffmpeg.output(picture, name, **CLEAN, **options, f="image2", update=1)


def _master_options(probe: Probe, profile: Profile) -> dict[str, Any]:
    channels = min(2, probe.audio.channels) if probe.audio else 0
    return {"preset": profile.preset, "crf": profile.crf, "b:a": profile.audio_bit_rate, "ac": channels}


def _proxy_options(profile: Profile) -> dict[str, Any]:
    return {
        "preset": profile.proxy_preset,
        "crf": profile.proxy_crf,
        "b:a": profile.proxy_audio_bit_rate,
        "ac": 1,
    }


def _video_output(streams: list[Any], options: dict[str, Any], profile: Profile, name: str) -> Any:
    sound = {"c:a": "aac", "ar": profile.audio_rate}
    if len(streams) == 1:
        sound, options = {}, {name: options[name] for name in ("preset", "crf")}
    picture = {
        "c:v": "libx264",
        "threads": profile.threads,
        # a closed GOP that starts at every whole interval, whatever the frame rate does
        "force_key_frames": f"expr:gte(t+0.0005,n_forced*{profile.gop_seconds})",
        "forced-idr": 1,
        "g": _LONGEST_GOP,
        "bsf:v": NO_SEI,
        "fps_mode": "passthrough",
        "enc_time_base": "demux",
    }
    return ffmpeg.output(*streams, name, **MP4, **picture, **sound, **options)
