"""What a file says it is, as types; and the first refusals, before anything is decoded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from ingest.checks import refusal_of, refuse_long, refuse_reset, refuse_sparse, refuse_truncated, unsaid_end
from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.fields import is_interlaced
from ingest.packets import Packets, read_packets
from ingest.streams import (
    AudioStream,
    VideoStream,
    is_video,
    pick_audio,
    pick_video,
    telemetry_tracks,
    video_stream,
)
from ingest.whitelist import PROBED
from ingest.workspace import SOURCE_NAME, Workspace

# Seconds by which sound may miss the pictures' beginning or end without being worth a word: cameras differ by packets.
_SOUND_SLACK = 0.3


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
    described = describe(workspace)
    streams: list[dict[str, Any]] = described.get("streams", [])
    found = described.get("format", {})
    duration = float(found.get("duration", 0.0))
    refuse_long(duration, workspace.limits)
    video = pick_video(streams, workspace.limits)
    container = str(found.get("format_name", "")).split(",")[0]
    packets, span = _pictures(workspace, video, duration)
    if (
        container == "mpegts"
    ):  # no other container holds two recordings that were merely put one behind the other
        refuse_reset(packets)
    stream = video_stream(video, packets, interlaced=is_interlaced(workspace, video))
    declared_seconds = _declared_seconds(found, video)
    stored = _stored(workspace, container, packets, stream, duration)
    refuse_truncated(packets, stored, stream.declared_frames, declared_seconds)
    audio, findings = pick_audio(streams)
    if sum(is_video(s) for s in streams) > 1:
        findings.append(f"The file has several video tracks; track {stream.index} is used.")
    if packets.broken_off or (stream.declared_frames is None and declared_seconds is None):
        findings.append(unsaid_end(packets))
    findings += _picture_kind(stream)
    if audio:
        findings += _sound_beside(audio, stream, packets)
    return Probe(
        container=container,
        duration=max(duration, span),
        video=stream,
        audio=audio,
        telemetry=telemetry_tracks(streams),
        findings=tuple(findings),
        packets=packets,
    )


def _stored(
    workspace: Workspace, container: str, packets: Packets, stream: VideoStream, duration: float
) -> int:
    """Pictures stored, to be compared with the container's own count: MP4 counts what an edit list leaves out, AVI the
    empty places of pictures that its camera dropped."""
    if packets.total >= (stream.declared_frames or 0):
        return packets.total
    if container == "mov":
        return read_packets(workspace, SOURCE_NAME, str(stream.index), duration, edited=False).total
    if container == "avi":
        return max(packets.total, int(packets.pts[-1]) + 1)
    return packets.total


def _pictures(workspace: Workspace, video: dict[str, Any], duration: float) -> tuple[Packets, float]:
    """Packets of the picture track, and the seconds from the first to the last; refused when these cannot be."""
    index = int(video["index"])
    packets = read_packets(workspace, SOURCE_NAME, str(index), duration)
    span = float((int(packets.pts[-1]) - int(packets.pts[0])) * packets.time_base)
    refuse_long(span, workspace.limits)
    refuse_sparse(packets, span, workspace.limits)
    return packets, span


def describe(workspace: Workspace) -> dict[str, Any]:
    """The source in ffprobe's words: "format" and "streams". Raises FileRejected for what cannot be opened."""
    argv = [str(workspace.tools.ffprobe), "-v", "error"]
    for option, value in input_options(workspace.limits, PROBED).items():
        argv += [f"-{option}", str(value)]
    done = workspace.run([*argv, "-of", "json", "-show_format", "-show_streams", f"file:{SOURCE_NAME}"])
    # ffprobe ends with 0 all the same when it met a bound of ours, and tells of what it did not open as of nothing
    if done.status == 0 and not any(bound in done.stderr for bound in ("max_streams", "max pixel count")):
        described: dict[str, Any] = json.loads(done.stdout.read_text(errors="replace"))
        return described
    raise refusal_of(done.stderr, workspace.limits)


def _declared_seconds(found: dict[str, Any], stream: dict[str, Any]) -> float | None:
    """The picture track's length as Matroska declares it ("HH:MM:SS.f"); None elsewhere."""
    said = re.fullmatch(
        r"(\d{1,6}):(\d{1,2}):(\d{1,2}\.?\d*)", str(stream.get("tags", {}).get("DURATION", ""))
    )
    if "matroska" not in str(found.get("format_name", "")) or said is None:
        return None
    return int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3])


def _picture_kind(video: VideoStream) -> list[str]:
    """Findings on what the renditions show otherwise than the source."""
    findings = []
    if video.mirrored:
        findings.append("The file says that its pictures are to be shown mirrored, and so they are.")
    if video.interlaced:
        findings.append("The pictures are interlaced; what is derived is not.")
    if video.colour.hdr:
        findings.append("The pictures are of high dynamic range; what is derived is tone-mapped.")
    return findings


def _sound_beside(audio: AudioStream, video: VideoStream, packets: Packets) -> list[str]:
    """Findings where the sound covers only a part of the pictures; what is missing is made up with silence."""
    if audio.start is None:
        return []
    late = audio.start - float(video.first_pts * video.time_base)
    findings = [f"The sound starts {late:.1f} s after the pictures."] if late > _SOUND_SLACK else []
    if audio.seconds is not None:
        short = float(int(packets.pts[-1]) * packets.time_base) - (audio.start + audio.seconds)
        findings += [f"The sound ends {short:.1f} s before the pictures."] if short > _SOUND_SLACK else []
    return findings
