"""Clips of every kind that cameras write: container, codec, rate, sound, shape and fault, each told by name.

Every picture carries its own number, as eight squares that are black or white, and the sound a tone whose place is
known: what comes out can be held to what went in without trusting a time stamp or a hash.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.media.synthetic import run_ffmpeg

SECONDS, TONE_AT, LATE = 1.6, 0.5, 0.25
WIDTH, HEIGHT = 160, 96
_PARAMS = "-x264-params"
CODECS: dict[str, tuple[str, ...]] = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12"),
    "h264-b": ("-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "3"),
    "h264-open": (
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        _PARAMS,
        "open-gop=1:keyint=12:b-adapt=0:bframes=2",
    ),
    "h264-refresh": (
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        _PARAMS,
        "intra-refresh=1:keyint=12:bframes=0",
    ),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0:keyint=12:pools=1"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "4"),
    "mpeg4-b": ("-c:v", "mpeg4", "-q:v", "4", "-bf", "2"),
    "mpeg2": ("-c:v", "mpeg2video", "-q:v", "4", "-bf", "2"),
    "mjpeg": ("-c:v", "mjpeg", "-q:v", "3"),
    "prores": ("-c:v", "prores_ks"),
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "0"),
    "av1": ("-c:v", "libsvtav1", "-preset", "13", "-svtav1-params", "lp=1"),
}
HOLDS: dict[str, tuple[str, ...]] = {
    "mp4": ("h264", "h264-b", "h264-open", "h264-refresh", "hevc", "mpeg4", "mpeg4-b", "mjpeg", "vp9", "av1"),
    "mov": ("h264", "h264-b", "hevc", "mpeg4", "mjpeg", "prores"),
    "mkv": tuple(CODECS),
    "avi": ("mpeg4", "mjpeg", "h264"),
    "ts": ("h264", "h264-b", "h264-refresh", "hevc", "mpeg2"),
    "webm": ("vp8", "vp9", "av1"),
}
SOUNDS = {
    "mp4": "aac",
    "mov": "pcm_s16le",
    "mkv": "libmp3lame",
    "avi": "pcm_s16le",
    "ts": "aac",
    "webm": "libopus",
}
RATES = ("10", "25/2", "25", "30000/1001", "50", "60", "120", "vfr")
SOUND_KINDS = ("none", "mono", "stereo", "two", "late", "short", "long")
SHAPES = (
    "plain",
    "90",
    "180",
    "270",
    "portrait",
    "odd",
    "sar",
    "interlaced",
    "10-bit",
    "422",
    "444",
    "full",
    "hdr",
)
FAULTS = (
    "none", "wrong name", "offset", "cut", "no index", "zeros", "text", "empty track", "stamps", "edit list",
)  # fmt: skip
_DEEP = {"h264", "h264-b", "hevc", "vp9", "av1"}
_FOUR_FOUR = {"h264", "h264-b", "hevc", "mjpeg"}


@dataclass(frozen=True, slots=True)
class Case:
    """One clip of the matrix."""

    container: str
    codec: str
    rate: str = "25"
    sound: str = "mono"
    shape: str = "plain"
    fault: str = "none"

    @property
    def name(self) -> str:
        return " ".join((self.container, self.codec, self.rate, self.sound, self.shape, self.fault))

    @property
    def possible(self) -> bool:
        """False for what no camera writes, for its container or codec cannot hold it."""
        shape, codec = self.shape, self.codec
        return not (
            (shape in ("90", "180", "270") and self.container not in ("mp4", "mov", "mkv"))
            or (shape == "interlaced" and (codec not in ("h264", "mpeg2") or self.rate in ("vfr", "120")))
            or (shape == "10-bit" and codec not in _DEEP)
            or (shape == "hdr" and codec != "hevc")
            or (shape in ("422", "444") and codec not in _FOUR_FOUR)
            or (shape == "odd" and codec not in ("h264", "mjpeg", "vp9"))
            or (shape == "full" and codec not in ("h264", "hevc", "mjpeg"))
            or (codec == "mpeg2" and self.rate in ("10", "25/2", "120", "vfr"))
            or (self.container in ("avi", "webm") and self.rate == "vfr" and self.container == "avi")
            or (self.container == "avi" and self.sound == "late")
            or (self.fault == "no index" and self.container not in ("mp4", "mov"))
            or (self.fault in ("empty track", "edit list") and self.container != "mov")
            or (self.fault == "stamps" and self.container != "mkv")
            or (self.fault == "offset" and self.container not in ("mp4", "mkv", "ts"))
        )


def every_case() -> Iterator[Case]:
    """Each container with each codec it holds, crossed with each value of every other axis in turn."""
    axes = {"rate": RATES, "sound": SOUND_KINDS, "shape": SHAPES, "fault": FAULTS}
    seen: set[Case] = set()
    for container, codecs in HOLDS.items():
        for codec, (axis, values) in itertools.product(codecs, axes.items()):
            for value in values:
                case = replace(Case(container, codec), **{axis: value})
                if case.possible and case not in seen:
                    seen.add(case)
                    yield case


def some_cases(seed: int, count: int) -> list[Case]:
    """`count` cases in which everything may meet everything."""
    chance, found = random.Random(seed), []
    while len(found) < count:
        container = chance.choice(list(HOLDS))
        case = Case(
            container,
            chance.choice(HOLDS[container]),
            chance.choice(RATES),
            chance.choice(SOUND_KINDS),
            chance.choice(SHAPES),
            chance.choice(FAULTS) if chance.random() < 0.4 else "none",
        )
        if case.possible:
            found.append(case)
    return found


def make(case: Case, folder: Path) -> Path:
    """Write the clip, with its fault, into an empty folder; return it."""
    clean = folder / f"clean.{case.container}"
    run_ffmpeg(*_inputs(case), *_pictures(case), *_sound(case), *_muxing(case), str(clean))
    if case.shape in ("90", "180", "270"):
        turned = folder / f"turned.{case.container}"
        run_ffmpeg(
            "-display_rotation",
            case.shape,
            "-i",
            str(clean),
            "-map",
            "0",
            "-c",
            "copy",
            *_muxing(case),
            str(turned),
        )
        clean = turned
    return _with_fault(case, clean, folder)


def _inputs(case: Case) -> list[str]:
    size = (
        f"{HEIGHT}x{WIDTH}"
        if case.shape == "portrait"
        else "161x97"
        if case.shape == "odd"
        else f"{WIDTH}x{HEIGHT}"
    )
    rate = "25" if case.rate == "vfr" else case.rate
    found = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={SECONDS}"]
    if case.sound != "none":
        length = {"short": SECONDS / 2, "long": 2 * SECONDS}.get(case.sound, SECONDS)
        if case.sound == "late":
            found += ["-itsoffset", str(LATE)]
        tone = f"aevalsrc='0.5*sin(2*PI*880*t)*between(t,{TONE_AT},{TONE_AT}+0.2)':s=48000:d={length}"
        found += ["-f", "lavfi", "-i", tone]
    return found


def _pictures(case: Case) -> list[str]:
    squares = [
        f"drawbox=x=iw*{bit}/8:y=0:w=iw/8:h=ih/4:t=fill:c={colour}:enable='{test}'"
        for bit in range(8)
        for colour, test in (("black", "1"), ("white", f"gt(bitand(n,{1 << bit}),0)"))
    ]
    pixels = {
        "10-bit": "yuv420p10le",
        "422": "yuv422p",
        "444": "yuv444p",
        "odd": "yuv444p",
        "hdr": "yuv420p10le",
    }
    filters = [*squares, f"format={pixels.get(case.shape, _pixels(case))}"]
    if case.shape == "full":
        filters.insert(-1, "scale=out_range=pc")
    if case.shape == "sar":
        filters.append("setsar=4/3")
    if case.shape == "interlaced":
        filters.append("setfield=tff")
    if case.rate == "vfr":
        filters.append("settb=1/1000,setpts='N*40+mod(N*7,5)*4+gte(N,20)*300'")
    options = ["-vf", ",".join(filters), "-fps_mode", "passthrough", *CODECS[case.codec]]
    if case.rate == "vfr":
        options += ["-enc_time_base", "1:1000"]
    if case.shape == "interlaced":
        options += ["-flags", "+ildct+ilme", *((_PARAMS, "tff=1") if case.codec == "h264" else ())]
    if case.shape == "full":
        options += ["-color_range", "pc"]
    if case.shape == "hdr":
        colours = ":colorprim=bt2020:colormatrix=bt2020nc:transfer=smpte2084"
        options[-1] += colours
    return options


def _pixels(case: Case) -> str:
    if case.codec == "prores":
        return "yuv422p10le"
    return "yuvj420p" if case.codec == "mjpeg" else "yuv420p"


def _sound(case: Case) -> list[str]:
    if case.sound == "none":
        return []
    maps = ["-map", "0:v", "-map", "1:a"] + (["-map", "1:a"] if case.sound == "two" else [])
    return [*maps, "-c:a", SOUNDS[case.container], "-ac", "1" if case.sound == "mono" else "2"]


def _muxing(case: Case) -> list[str]:
    options = (
        ["-movflags", "+faststart"] if case.container in ("mp4", "mov") and case.fault != "no index" else []
    )
    if case.codec == "prores" or case.codec.startswith("mjpeg") or case.codec == "h264":
        options += ["-strict", "unofficial"]
    return options


def _with_fault(case: Case, clean: Path, folder: Path) -> Path:
    data = clean.read_bytes()
    made = folder / ("source.txt" if case.fault == "wrong name" else f"source.{case.container}")
    if case.fault in ("cut", "no index"):
        made.write_bytes(data[: int(len(data) * 0.6)])
    elif case.fault == "zeros":
        middle = int(len(data) * 0.6)
        made.write_bytes(data[:middle] + bytes(300) + data[middle + 300 :])
    elif case.fault == "text":
        made.write_text("Statement of the officer, page 1. " * 500)
    elif case.fault == "offset":
        moved = ("-output_ts_offset", "7.3") if case.container != "mp4" else ("-itsoffset", "7.3")
        inputs = ("-i", str(clean)) if case.container != "mp4" else (*moved, "-i", str(clean))
        end = moved if case.container != "mp4" else ()
        run_ffmpeg(*inputs, "-map", "0", "-c", "copy", *end, *_muxing(case), str(made))
    elif case.fault == "stamps":
        swapped = "setts=pts='if(eq(N,9),PTS-3*DURATION-7,PTS)':dts=DTS"
        run_ffmpeg("-i", str(clean), "-map", "0", "-c", "copy", "-bsf:v", swapped, str(made))
    elif case.fault == "empty track":
        empty = ("-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "/dev/null")
        run_ffmpeg(
            "-i", str(clean), *empty, "-map", "0", "-map", "1:a", "-c", "copy", *_muxing(case), str(made)
        )
    elif case.fault == "edit list":
        run_ffmpeg("-ss", "0.7", "-i", str(clean), "-map", "0", "-c", "copy", *_muxing(case), str(made))
    else:
        made.write_bytes(data)
    return made
