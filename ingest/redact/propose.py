"""Everything that a machine proposes to hide in one recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import Cancelled, Unexplained
from ingest.frames import Ledger
from ingest.packets import read_packets
from ingest.redact.detectors import Detector
from ingest.redact.sampling import sampled_frames
from ingest.redact.tracks import Sampled, Track, link
from ingest.redact.voices import Voice, find_voices
from ingest.workspace import SOURCE_NAME, Workspace

# Pictures looked at each second, seconds that a thing may go unseen, and padding of boxes on each side.
_PER_SECOND, _PATIENCE_SECONDS, _PADDING = 5, 1.0, 0.25
OnFrame = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Proposals:
    """Tracks in the picture and intervals of speech. `step`: every how many frames the picture was looked at."""

    tracks: tuple[Track, ...]
    voices: tuple[Voice, ...]
    step: int


def propose(
    workspace: Workspace,
    ledger: Ledger,
    detectors: Iterable[Detector],
    *,
    size: tuple[int, int],
    pcm: Path | None = None,
    on_frame: OnFrame | None = None,
) -> Proposals:
    """Look through the master, which is the workspace's source, of `size` (width, height) pixels; with `pcm` (16 kHz
    mono WAV) listen too. `on_frame` gets each sampled ordinal.

    Raises Unexplained when the master is not what the ledger says, Cancelled when the workspace's caller wants it.
    """
    keys = read_packets(workspace, SOURCE_NAME, "v:0")
    if len(keys.pts) != ledger.frame_count:
        raise Unexplained(f"the master has {len(keys.pts)} frames and its ledger {ledger.frame_count}")
    seconds = float(ledger.time_of(ledger.frame_count))
    step = max(1, round(ledger.frame_count / seconds / _PER_SECOND))
    patience = step * max(1, round(_PER_SECOND * _PATIENCE_SECONDS))
    tracks: list[Track] = []
    for detector in detectors:
        raster = detector.raster(*size)
        samples = []
        for frame, picture in sampled_frames(workspace, ledger, keys.key.nonzero()[0], raster, step):
            _stop_if_asked(workspace)
            samples.append(Sampled(frame, detector.detect(picture, raster)))
            if on_frame:
                on_frame(frame)
        tracks += link(
            samples, step=step, patience=patience, frame_count=ledger.frame_count, padding=_PADDING
        )
    voices = find_voices(pcm, ledger) if pcm else []
    return Proposals(tuple(tracks), tuple(voices), step)


def _stop_if_asked(workspace: Workspace) -> None:
    if workspace.should_stop and workspace.should_stop():
        raise Cancelled("stopped on request")
