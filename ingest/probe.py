"""What a file says it is, as types; and the first refusals, before anything is decoded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ingest.checks import refusal_of, refuse_long, refuse_sparse, refuse_truncated
from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.packets import Packets, read_packets
from ingest.profiles import Limits
from ingest.starts import keep_fresh_starts
from ingest.whitelist import AUDIO_CODECS, VIDEO_CODECS
from ingest.workspace import SOURCE_NAME, Workspace

_TELEMETRY_TAGS = {"gpmd": "gpmd", "tmcd": "tmcd", "camm": "camm", "mett": "mett"}


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture track that is used. `width` by `height` as stored, before `rotation` (degrees clockwise: 0, 90, 180,
    270) and the sample aspect ratio `sar`. `first_pts` is in `time_base`; `declared_frames` is the container's
    count, None when it keeps none; `average_rate` is in frames/s."""

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


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The sound track that is used; `sample_rate` in hertz."""

    index: int
    codec: str
    sample_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A file that may be decoded. `duration` is the container's, in seconds; `telemetry` names data tracks
    (gpmd, tmcd, …) that nothing derived carries on; `findings` are sentences worth showing."""

    container: str
    duration: float
    video: VideoStream
    audio: AudioStream | None
    telemetry: tuple[str, ...]
    findings: tuple[str, ...]
    packets: Packets = field(repr=False, compare=False)

    @property
    def span(self) -> float:
        """Seconds from the first picture that can be decoded to the last: the sound may go on for longer."""
        return float((int(self.packets.pts[-1]) - self.video.first_pts) * self.video.time_base)


def probe(workspace: Workspace) -> Probe:
    """Probe the workspace's source. Raises FileRejected with the reason, or MachineFault."""
    if workspace.source.stat().st_size == 0:
        raise FileRejected("empty", "The file is empty.")
    described = _describe(workspace)
    streams: list[dict[str, Any]] = described.get("streams", [])
    found = described.get("format", {})
    duration = float(found.get("duration", 0.0))
    refuse_long(duration, workspace.limits)
    video = _pick_video(streams, workspace.limits)
    index = int(video["index"])
    packets = read_packets(workspace, SOURCE_NAME, str(index), duration)
    packets = keep_fresh_starts(workspace, packets, index, video["codec_name"], duration)
    span = float((int(packets.pts[-1]) - int(packets.pts[0])) * Fraction(video["time_base"]))
    refuse_long(span, workspace.limits)
    refuse_sparse(packets, span, workspace.limits)
    stream = _video(video, packets)
    refuse_truncated(packets, stream.declared_frames, _declared_seconds(found, video), span)
    audio, findings = _pick_audio(streams)
    if sum(s.get("codec_type") == "video" and not _is_picture(s) for s in streams) > 1:
        findings.append(f"The file has several video tracks; track {index} is used.")
    return Probe(
        container=str(found.get("format_name", "")).split(",")[0],
        duration=max(duration, span),
        video=stream,
        audio=audio,
        telemetry=tuple(_telemetry(s) for s in streams if s.get("codec_type") == "data"),
        findings=tuple(findings),
        packets=packets,
    )


def _describe(workspace: Workspace) -> dict[str, Any]:
    argv = [str(workspace.tools.ffprobe), "-v", "error"]
    for option, value in input_options(workspace.limits).items():
        argv += [f"-{option}", str(value)]
    done = workspace.run([*argv, "-of", "json", "-show_format", "-show_streams", f"file:{SOURCE_NAME}"])
    if done.status == 0 and "max_streams" not in done.stderr:
        described: dict[str, Any] = json.loads(done.stdout.read_text(errors="replace"))
        return described
    raise refusal_of(done.stderr, workspace.limits)


def _is_picture(stream: dict[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _pick_video(streams: list[dict[str, Any]], limits: Limits) -> dict[str, Any]:
    for stream in streams:
        if stream.get("codec_type") != "video" or _is_picture(stream):
            continue
        if stream.get("codec_name") not in VIDEO_CODECS:
            name = stream.get("codec_name", "unknown")
            raise FileRejected("unsupported_codec", f"The video is coded as {name}, which is not accepted.")
        width, height = int(stream.get("width", 0)), int(stream.get("height", 0))
        if width * height > limits.max_pixels:
            raise FileRejected("too_large", f"The picture is {width}x{height}, more than is accepted.")
        if width < 16 or height < 16:
            raise FileRejected("undecodable", f"The picture is {width}x{height}: nothing to see.")
        return stream
    raise FileRejected("no_video", "The file has no video track.")


def _pick_audio(streams: list[dict[str, Any]]) -> tuple[AudioStream | None, list[str]]:
    tracks = [s for s in streams if s.get("codec_type") == "audio"]
    usable = [s for s in tracks if s.get("codec_name") in AUDIO_CODECS and int(s.get("sample_rate", 0)) > 0]
    if not usable:
        return None, ["The sound is in a form that cannot be read and is left out."] if tracks else []
    first = usable[0]
    findings = (
        [f"The file has {len(tracks)} sound tracks; track {first['index']} is used."]
        if len(tracks) > 1
        else []
    )
    audio = AudioStream(
        int(first["index"]),
        first["codec_name"],
        int(first["sample_rate"]),
        max(1, int(first.get("channels", 1))),
    )
    return audio, findings


def _video(stream: dict[str, Any], packets: Packets) -> VideoStream:
    declared = stream.get("nb_frames", "")
    return VideoStream(
        index=int(stream["index"]),
        codec=stream["codec_name"],
        width=int(stream["width"]),
        height=int(stream["height"]),
        rotation=_rotation(stream),
        sar=_ratio(stream.get("sample_aspect_ratio", ""), Fraction(1)),
        pixel_format=stream.get("pix_fmt", "unknown"),
        interlaced=stream.get("field_order", "progressive") not in ("progressive", "unknown"),
        time_base=Fraction(stream["time_base"]),
        average_rate=_ratio(stream.get("avg_frame_rate", ""), Fraction(0)),
        first_pts=int(packets.pts[packets.first]),
        declared_frames=int(declared) if declared.isdigit() else None,
        packet_count=packets.total,
        variable_rate=packets.variable,
    )


def _rotation(stream: dict[str, Any]) -> int:
    """Clockwise degrees to turn the picture by; the display matrix counts counter-clockwise."""
    turned = sum(int(d.get("rotation", 0)) for d in stream.get("side_data_list", []))
    return round(-turned / 90) * 90 % 360


def _ratio(text: str, otherwise: Fraction) -> Fraction:
    over, _, under = text.replace(":", "/").partition("/")
    if not (over.isdigit() and under.isdigit() and int(over) and int(under)):
        return otherwise
    return Fraction(int(over), int(under))


def _telemetry(stream: dict[str, Any]) -> str:
    tag = str(stream.get("codec_tag_string", ""))
    return _TELEMETRY_TAGS.get(tag, "data")


def _declared_seconds(found: dict[str, Any], stream: dict[str, Any]) -> float | None:
    """The picture track's length as Matroska declares it ("HH:MM:SS.f"); None elsewhere."""
    tag = str(stream.get("tags", {}).get("DURATION", ""))
    if "matroska" not in str(found.get("format_name", "")) or tag.count(":") != 2:
        return None
    hours, minutes, seconds = tag.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
