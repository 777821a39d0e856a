"""Cuts a recording's master into clips once more, as another plan says: nothing is coded but the clips' sound.

What was found in pictures and sound is read from the first ingest's `signals.json`, so the same plan gives the same
clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingest.errors import Unexplained
from ingest.ffmpeg import version_of
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME
from ingest.inventory import clip_facts
from ingest.mux import assert_same_times
from ingest.packets import read_packets
from ingest.profiles import Profile
from ingest.report import ClipFacts
from ingest.segment import cut_all
from ingest.segmentation.build import segment
from ingest.segmentation.strategy import Material
from ingest.signals.findings import Findings
from ingest.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Recut:
    """The clips, in `clips/` of the job directory, and how they were made: the first command and ffmpeg's version."""

    clips: tuple[ClipFacts, ...]
    command: tuple[str, ...]
    version: str


def recut(
    workspace: Workspace, ledger: Ledger, findings: Findings, profile: Profile, *, sound: bool
) -> Recut:
    """Cut the workspace's source, a master of the ledger's frames, as `profile.segments` says; with its `sound` if any.

    Raises Unexplained when the master or a clip is not what the ledger says, MachineFault, Cancelled.
    """
    (workspace.path / MASTER_NAME).symlink_to(workspace.source)
    packets = read_packets(workspace, MASTER_NAME, "v:0")
    assert_same_times(packets, ledger, 0, ledger.frame_count, MASTER_NAME)
    if findings.frame_count != ledger.frame_count:
        raise Unexplained(f"findings of {findings.frame_count} frames for {ledger.frame_count}")
    keys = np.flatnonzero(packets.key)
    material = Material(ledger, keys, findings, free_ends=packets.in_order)
    made = list(cut_all(workspace, profile, ledger, segment(material, profile.segments), sound=sound))
    clips = tuple(clip_facts(workspace.path, one.path, ledger, one.interval, 0) for one in made)
    return Recut(clips, made[0].command, version_of(workspace.tools.ffmpeg))
