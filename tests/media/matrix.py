"""Clips of every kind that cameras write: container, codec, rate, sound, shape and fault, each told by name."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

PARAMS = "-x264-params"
CODECS: dict[str, tuple[str, ...]] = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-g", "12"),
    "h264-b": ("-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "3"),
    "h264-open": (
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        PARAMS,
        "open-gop=1:keyint=12:b-adapt=0:bframes=2",
    ),
    "h264-refresh": (
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        PARAMS,
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
    "av1": ("-c:v", "libsvtav1", "-preset", "13", "-crf", "8", "-svtav1-params", "lp=1"),
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
    "mirror",
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
    "subtitles",
)  # fmt: skip
_SUBTITLES = {"mp4", "mov", "mkv", "webm"}
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
            or (shape == "mirror" and self.container not in ("mp4", "mov"))
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
            or (self.fault == "subtitles" and self.container not in _SUBTITLES)
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
