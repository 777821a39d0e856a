"""Lists what a run made, with sizes and digests: turns a job directory into the rows of a report."""

from __future__ import annotations

from pathlib import Path

from ingest.assemble import LEDGER_NAME
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME, POSTER_NAME, PROXY_NAME
from ingest.hashes import digests_of
from ingest.intervals import Interval
from ingest.mux import PLAYLIST_NAME, STREAM_NAME
from ingest.picture import display_size
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.report import ClipFacts, Rendition, RenditionKind, SourceFacts
from ingest.samples import FINGERPRINT_NAME, SAMPLES_NAME
from ingest.signals.findings import SIGNALS_NAME
from ingest.sound import PCM_NAME
from ingest.storyboard import STORYBOARD_NAME, VTT_NAME
from ingest.telemetry import TELEMETRY_NAME
from ingest.waveform import WAVEFORM_NAME

# Which recipe of a report made what: the chunks' pass, what joined them, and the sound's.
ENCODE, MUX, SOUND = 0, 1, 2
_FILES: dict[RenditionKind, tuple[str, str, int]] = {
    "master": (MASTER_NAME, "video/mp4", ENCODE),
    "proxy": (PROXY_NAME, "video/mp4", ENCODE),
    "stream": (STREAM_NAME, "video/mp4", MUX),
    "playlist": (PLAYLIST_NAME, "application/vnd.apple.mpegurl", MUX),
    "storyboard": (STORYBOARD_NAME, "image/jpeg", ENCODE),
    "storyboard_index": (VTT_NAME, "text/vtt", ENCODE),
    "poster": (POSTER_NAME, "image/jpeg", ENCODE),
    "samples": (SAMPLES_NAME, "application/vnd.apache.parquet", ENCODE),
    "fingerprint": (FINGERPRINT_NAME, "application/vnd.apache.parquet", ENCODE),
    "signals": (SIGNALS_NAME, "application/json", ENCODE),
    "waveform": (WAVEFORM_NAME, "application/json", SOUND),
    "pcm": (PCM_NAME, "audio/wav", SOUND),
    "ledger": (LEDGER_NAME, "application/vnd.apache.parquet", ENCODE),
    "telemetry": (TELEMETRY_NAME, "application/json", ENCODE),
}
RENDITION_NAMES = tuple(name for name, _, _ in _FILES.values())


def list_renditions(job_dir: Path, probe: Probe, profile: Profile) -> tuple[Rendition, ...]:
    """Describe each rendition in the job directory."""
    sizes = {
        "master": display_size(probe.video, profile.max_short_side),
        "poster": display_size(probe.video, profile.max_short_side),
        "proxy": display_size(probe.video, profile.proxy_short_side),
        "stream": display_size(probe.video, profile.proxy_short_side),
    }
    found = []
    for kind, (name, media_type, recipe) in _FILES.items():
        path = job_dir / name
        if path.exists():
            size = sizes.get(kind)
            found.append(
                Rendition(
                    kind=kind,
                    path=name,
                    media_type=media_type,
                    size=path.stat().st_size,
                    **digests_of(path, "sha256", "md5"),
                    recipe=recipe,
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
        **digests_of(job_dir / name, "sha256", "md5"),
        recipe=recipe,
        reasons=interval.reasons,
        eventful=interval.eventful,
    )


def source_facts(size: int, sha256: str, md5: str, probe: Probe, ledger: Ledger) -> SourceFacts:
    """Describe the original from its digests, its probe and what was decoded."""
    video, audio = probe.video, probe.audio
    return SourceFacts(
        size=size,
        sha256=sha256,
        md5=md5,
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
