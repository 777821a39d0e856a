"""Lists what a run made, with sizes and digests: turns a job directory into the rows of a report."""

from __future__ import annotations

from pathlib import Path

from ingest.frames import Ledger
from ingest.graph import (
    MASTER_NAME,
    PCM_NAME,
    POSTER_NAME,
    PROXY_NAME,
    STORYBOARD_NAME,
)
from ingest.hashes import sha256_of
from ingest.picture import display_size
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.report import ClipFacts, Rendition, RenditionKind, SourceFacts
from ingest.segment import Interval
from ingest.storyboard import VTT_NAME
from ingest.telemetry import TELEMETRY_NAME
from ingest.waveform import WAVEFORM_NAME

LEDGER_NAME = "ledger.parquet"
_FILES: dict[RenditionKind, tuple[str, str]] = {
    "master": (MASTER_NAME, "video/mp4"),
    "proxy": (PROXY_NAME, "video/mp4"),
    "storyboard": (STORYBOARD_NAME, "image/jpeg"),
    "storyboard_index": (VTT_NAME, "text/vtt"),
    "poster": (POSTER_NAME, "image/jpeg"),
    "waveform": (WAVEFORM_NAME, "application/json"),
    "pcm": (PCM_NAME, "audio/wav"),
    "ledger": (LEDGER_NAME, "application/vnd.apache.parquet"),
    "telemetry": (TELEMETRY_NAME, "application/json"),
}


def list_renditions(job_dir: Path, probe: Probe, profile: Profile) -> tuple[Rendition, ...]:
    """Describe each rendition in the job directory; all come from its one pass, recipe 0."""
    sizes = {
        "master": display_size(probe.video, profile.max_short_side),
        "poster": display_size(probe.video, profile.max_short_side),
        "proxy": display_size(probe.video, profile.proxy_short_side),
    }
    found = []
    for kind, (name, media_type) in _FILES.items():
        path = job_dir / name
        if path.exists():
            size = sizes.get(kind)
            found.append(
                Rendition(
                    kind=kind,
                    path=name,
                    media_type=media_type,
                    size=path.stat().st_size,
                    sha256=sha256_of(path),
                    recipe=0,
                    width=size.width if size else None,
                    height=size.height if size else None,
                )
            )
    return tuple(found)


def clip_facts(job_dir: Path, name: str, ledger: Ledger, interval: Interval, recipe: int) -> ClipFacts:
    """Describe one clip file."""
    start, end = interval.start_frame, interval.end_frame
    return ClipFacts(
        path=name,
        start_frame=start,
        end_frame=end,
        start_pts=ledger.pts_of(start),
        end_pts=ledger.pts_of(end),
        seconds=float(ledger.time_of(end) - ledger.time_of(start)),
        size=(job_dir / name).stat().st_size,
        sha256=sha256_of(job_dir / name),
        recipe=recipe,
    )


def source_facts(source: Path, digests: dict[str, str], probe: Probe, ledger: Ledger) -> SourceFacts:
    """Describe the original from its digests, its probe and what was decoded."""
    video, audio = probe.video, probe.audio
    return SourceFacts(
        size=source.stat().st_size,
        sha256=digests["sha256"],
        md5=digests["md5"],
        container=probe.container,
        duration=float(ledger.time_of(ledger.frame_count)),
        video_codec=video.codec,
        width=video.width,
        height=video.height,
        rotation=video.rotation,
        pixel_format=video.pixel_format,
        time_base=str(ledger.time_base),
        average_rate=str(video.average_rate),
        variable_rate=video.variable_rate,
        frame_count=ledger.frame_count,
        audio_codec=audio.codec if audio else None,
        audio_rate=audio.sample_rate if audio else None,
        audio_channels=audio.channels if audio else None,
        telemetry=probe.telemetry,
    )
