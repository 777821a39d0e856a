"""Joins what the steps left to a recording's renditions, and holds them to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.checks import truncated
from ingest.damage import AGAIN_NAMES
from ingest.encode import SIGNALS_PART
from ingest.errors import Unexplained
from ingest.framehash import Decoded, read_framehash
from ingest.frames import Ledger, make_ledger
from ingest.graph import FRAMES_NAME, MASTER_NAME, POSTER_NAME, PROXY_NAME
from ingest.join import join_fragments
from ingest.mux import JOINED, mux
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.samples import join_chunks
from ingest.signals.findings import SIGNALS_NAME, Findings, analyse
from ingest.signals.pictures import PictureSignals
from ingest.signals.pictures import join as join_pictures
from ingest.signals.sound import read_sound
from ingest.sound import PCM_NAME, SOUND_NAME
from ingest.storyboard import write_storyboard
from ingest.waveform import WAVEFORM_NAME, write_waveform
from ingest.workspace import Workspace

LEDGER_NAME = "ledger.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """What was joined in the workspace: the ledger, ordinals of the master's key frames, what was found in pictures
    and sound, and the command that put them together."""

    ledger: Ledger
    master_keys: NDArray[np.int64]
    findings: Findings
    command: tuple[str, ...]


def assemble(
    workspace: Workspace, plan: Plan, parts: Sequence[Path], sound: Path | None, profile: Profile
) -> Assembled:
    """Make the renditions of the whole from the chunks' directories `parts`, in order, and the sound's.

    Raises FileRejected when the file falls short of what it declares, Unexplained when parts do not fit together.
    """
    decoded = [read_framehash(part / FRAMES_NAME, *(part / name for name in AGAIN_NAMES)) for part in parts]
    _check_seams(plan, decoded)
    ledger = make_ledger(decoded, plan.source.packets)
    expected = len(plan.source.packets.pts) - plan.source.packets.first
    if ledger.frame_count < expected * 0.98 - 2:
        raise truncated(ledger.frame_count, expected)
    ledger.write(workspace.path / LEDGER_NAME)
    _join(workspace.path, plan, parts, sound)
    command, keys = mux(workspace, plan, profile, ledger)
    for path in (*workspace.path.glob(f"{JOINED}*"), workspace.path / SOUND_NAME):
        path.unlink(missing_ok=True)
    write_storyboard(parts, decoded, workspace.path, plan, profile, ledger)
    counts = [len(one.pts) for one in decoded]
    join_chunks(parts, counts, workspace.path)
    return Assembled(ledger, keys, _find(workspace.path, parts, ledger, profile), command)


def _check_seams(plan: Plan, decoded: Sequence[Decoded]) -> None:
    """Every chunk but the first must begin with the very frame it was cut at: seeking found the right place."""
    for chunk, frames in zip(plan.chunks[1:], decoded[1:], strict=True):
        if int(frames.pts[0]) != chunk.start_pts:
            raise Unexplained(f"chunk {chunk.number} begins at {frames.pts[0]}, not at {chunk.start_pts}")


def _join(folder: Path, plan: Plan, parts: Sequence[Path], sound: Path | None) -> None:
    for name in (PROXY_NAME,) if plan.copied else (PROXY_NAME, MASTER_NAME):
        join_fragments([part / name for part in parts], folder / f"{JOINED}{name}")
    (parts[0] / POSTER_NAME).replace(folder / POSTER_NAME)
    if sound:
        for name in (SOUND_NAME, PCM_NAME):
            (sound / name).replace(folder / name)
        write_waveform(folder / PCM_NAME, folder / WAVEFORM_NAME)


def _find(folder: Path, parts: Sequence[Path], ledger: Ledger, profile: Profile) -> Findings:
    pictures = join_pictures([PictureSignals.load(part / SIGNALS_PART) for part in parts])
    heard = read_sound(folder / PCM_NAME) if (folder / PCM_NAME).exists() else None
    findings = analyse(ledger, pictures, heard, profile.thresholds)
    (folder / SIGNALS_NAME).write_text(findings.to_json())
    return findings
