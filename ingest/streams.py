"""The tracks of a file as types, and which of several is used: read from ffprobe's description of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ingest.errors import FileRejected
from ingest.orientation import orientation
from ingest.packets import Packets
from ingest.profiles import Limits
from ingest.whitelist import AUDIO_CODECS, VIDEO_CODECS

# Matrices of ITU-T H.273 that pictures can be converted from; what is not named counts as what players assume.
_MATRICES = frozenset(
    re.findall(r"\w+", "unknown reserved gbr bt709 fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c")
)
# Transfer functions of ITU-R BT.2100: perceptual quantiser and hybrid log-gamma.
_HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
_TELEMETRY_TAGS = ("gpmd", "tmcd", "camm", "mett", "fdsc")
# Sound that goes with the pictures comes before sound about them.
_ASIDE = ("comment", "visual_impaired", "hearing_impaired", "descriptions", "dub", "karaoke", "clean_effects")


@dataclass(frozen=True, slots=True)
class Colour:
    """What a picture's numbers mean, in FFmpeg's words (`ffprobe -show_streams`); "unknown" where nothing is said.

    `range` is "tv" (16 to 235) or "pc" (0 to 255).
    """

    range: str = "unknown"
    matrix: str = "unknown"
    primaries: str = "unknown"
    transfer: str = "unknown"

    @property
    def hdr(self) -> bool:
        """True for high dynamic range, which must be tone-mapped to be seen on a usual display."""
        return self.transfer in _HDR_TRANSFERS

    @property
    def wide(self) -> bool:
        """True for the wide gamut of BT.2020."""
        return self.primaries == "bt2020" or self.matrix.startswith("bt2020")


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture track that is used. `width` by `height` as stored, before it is `mirrored` left to right, turned by
    `rotation` (degrees clockwise: 0, 90, 180, 270) and stretched by the sample aspect ratio `sar`. `first_pts` is in
    `time_base`; `declared_frames` is the container's count, None when it keeps none; `average_rate` is in frames/s;
    `interlaced` when fields, not frames, were taken."""

    index: int
    codec: str
    width: int
    height: int
    rotation: int
    sar: Fraction
    pixel_format: str
    interlaced: bool
    time_base: Fraction
    average_rate: Fraction
    first_pts: int
    declared_frames: int | None
    packet_count: int
    variable_rate: bool
    colour: Colour = Colour()
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The sound track that is used; `sample_rate` in hertz; `start` and `seconds` as the container tells them, on the
    clock of the pictures' time stamps, None where it does not."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    start: float | None = None
    seconds: float | None = None


def pick_video(streams: list[dict[str, Any]], limits: Limits) -> dict[str, Any]:
    """The first track of moving pictures. Raises FileRejected when there is none that may be decoded."""
    for stream in streams:
        if not is_video(stream):
            continue
        if stream.get("codec_name") not in VIDEO_CODECS:
            name = stream.get("codec_name", "unknown")
            raise FileRejected("unsupported_codec", f"The video is coded as {name}, which is not accepted.")
        width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
        if width * height > limits.max_pixels:
            raise FileRejected("too_large", f"The picture is {width}x{height}, more than is accepted.")
        if width < 16 or height < 16:
            raise FileRejected("undecodable", f"The picture is {width}x{height}: nothing to see.")
        if (colours := stream.get("color_space", "unknown")) not in _MATRICES:
            raise FileRejected(
                "unsupported_codec",
                f"The colours of the pictures are coded as {colours}, which is not accepted.",
            )
        return stream
    raise FileRejected("no_video", "The file has no video track.")


def is_video(stream: dict[str, Any]) -> bool:
    """True for moving pictures; a cover image is none."""
    return stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic")


def pick_audio(streams: list[dict[str, Any]]) -> tuple[AudioStream | None, list[str]]:
    """The sound that belongs to the pictures, and what to say of the choice.

    Of several: none that is commentary if others are there, then the container's default, then the longest, then the
    first.
    """
    tracks = [s for s in streams if s.get("codec_type") == "audio"]
    usable = [s for s in tracks if s.get("codec_name") in AUDIO_CODECS and int(s.get("sample_rate", 0)) > 0]
    if not usable:
        return None, ["The sound is in a form that cannot be read and is left out."] if tracks else []
    chosen = min(usable, key=_preference)
    findings = []
    if len(tracks) > 1:
        findings.append(f"The file has {len(tracks)} sound tracks; track {chosen['index']} is used.")
    audio = AudioStream(
        int(chosen["index"]),
        chosen["codec_name"],
        int(chosen["sample_rate"]),
        max(1, int(chosen.get("channels", 1))),
        _seconds(chosen, "start_time"),
        _seconds(chosen, "duration"),
    )
    return audio, findings


def _preference(stream: dict[str, Any]) -> tuple[bool, bool, int, int]:
    """Sorts sound tracks, the best first."""
    marked = stream.get("disposition", {})
    aside = any(marked.get(name) for name in _ASIDE)
    length = round(_seconds(stream, "duration") or 0)  # whole seconds: shorter differences are rounding
    return aside, not marked.get("default"), -length, int(stream["index"])


def _seconds(stream: dict[str, Any], name: str) -> float | None:
    text = str(stream.get(name, "N/A"))
    return None if text == "N/A" else float(text)


def video_stream(stream: dict[str, Any], packets: Packets, *, interlaced: bool) -> VideoStream:
    """Type ffprobe's description of the picture track, whose `interlaced` it may not say (`ingest.fields`)."""
    declared = stream.get("nb_frames", "")
    rotation, mirrored = orientation(stream.get("side_data_list", []))
    return VideoStream(
        index=int(stream["index"]),
        codec=stream["codec_name"],
        width=int(stream["width"]),
        height=int(stream["height"]),
        rotation=rotation,
        mirrored=mirrored,
        sar=_ratio(stream.get("sample_aspect_ratio", ""), Fraction(1)),
        pixel_format=stream.get("pix_fmt", "unknown"),
        interlaced=interlaced,
        time_base=Fraction(stream["time_base"]),
        average_rate=_ratio(stream.get("avg_frame_rate", ""), Fraction(0)),
        first_pts=int(packets.pts[packets.first]),
        declared_frames=int(declared) if declared.isdigit() else None,
        packet_count=packets.total,
        variable_rate=packets.variable,
        colour=Colour(
            range=stream.get("color_range", "unknown"),
            matrix=stream.get("color_space", "unknown"),
            primaries=stream.get("color_primaries", "unknown"),
            transfer=stream.get("color_transfer", "unknown"),
        ),
    )


def _ratio(text: str, otherwise: Fraction) -> Fraction:
    over, _, under = text.replace(":", "/").partition("/")
    if not (over.isdigit() and under.isdigit() and int(over) and int(under)):
        return otherwise
    return Fraction(int(over), int(under))


def telemetry_tracks(streams: list[dict[str, Any]]) -> tuple[str, ...]:
    """Names of the tracks beside pictures and sound: four-letter tags where known, else what kind they are."""
    others = [s for s in streams if s.get("codec_type") in ("data", "subtitle", "attachment")]
    tags = [(str(s.get("codec_tag_string", "")), str(s["codec_type"])) for s in others]
    return tuple(tag if tag in _TELEMETRY_TAGS else kind for tag, kind in tags)
