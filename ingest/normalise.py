"""Runs the one-pass graph and checks what it made against the ledger, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from ingest.checks import truncated
from ingest.errors import FileRejected, MachineFault
from ingest.frames import Ledger, parse_framehash
from ingest.graph import FRAMES_NAME, MASTER_NAME, PROXY_NAME, build
from ingest.packets import Packets, read_packets
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class Normalised:
    """What the pass left in the job directory: the ledger, ordinals of the master's key frames, and the command."""

    ledger: Ledger
    master_keys: NDArray[np.int64]
    command: tuple[str, ...]


def normalise(
    workspace: Workspace, probe: Probe, profile: Profile, on_frames: Callable[[int], None] | None = None
) -> Normalised:
    """Make all renditions in one decode. `on_frames` gets the number of pictures done so far.

    Raises FileRejected when the file cannot be decoded or falls short of what it declares.
    """
    command = _pass(workspace, probe, profile, on_frames)
    ledger = parse_framehash(workspace.path / FRAMES_NAME, probe.packets)
    first = int(ledger.pts[0])
    if first != probe.video.first_pts:
        # The picture that should be first does not decode, so the sound was put against the wrong zero.
        probe = replace(probe, video=replace(probe.video, first_pts=first))
        command = _pass(workspace, probe, profile, on_frames)
        ledger = parse_framehash(workspace.path / FRAMES_NAME, probe.packets)
    expected = len(probe.packets.pts) - probe.packets.first
    if ledger.frame_count < expected * 0.98 - 2:
        raise truncated(ledger.frame_count, expected)
    keys = _check(workspace, ledger, MASTER_NAME)
    _check(workspace, ledger, PROXY_NAME)
    return Normalised(ledger, keys, command)


def _pass(
    workspace: Workspace, probe: Probe, profile: Profile, on_frames: Callable[[int], None] | None
) -> tuple[str, ...]:
    argv = compile_graph(workspace, build(probe, profile, workspace.limits))

    def follow(output: str) -> None:
        counts = [line[6:] for line in output.splitlines() if line.startswith("frame=")]
        if on_frames and counts and counts[-1].strip().isdigit():
            on_frames(int(counts[-1]))

    done = workspace.run(argv, media_seconds=probe.duration, on_output=follow)
    if done.status != 0:
        last = (done.stderr.splitlines() or ["no message"])[-1]
        raise FileRejected("undecodable", f"The file cannot be decoded: {last}")
    return ("ffmpeg", *argv[1:])


def compile_graph(workspace: Workspace, graph: Any) -> list[str]:
    """Return the argument list of an ffmpeg-python graph, for this workspace's ffmpeg."""
    return [str(arg) for arg in ffmpeg.compile(graph, cmd=str(workspace.tools.ffmpeg), overwrite_output=True)]


def _check(workspace: Workspace, ledger: Ledger, name: str) -> NDArray[np.int64]:
    """Hold a rendition to the ledger: as many frames, each at its time. Returns the ordinals of its key frames."""
    made = read_packets(workspace, name, "v:0")
    assert_same_times(made, ledger, 0, ledger.frame_count, name)
    return np.flatnonzero(made.key)


def assert_same_times(made: Packets, ledger: Ledger, start: int, end: int, name: str) -> None:
    """Raise MachineFault unless `made` holds frames [start, end) of the ledger at their times, exactly."""
    # cross-multiplied: both time bases are fractions, and equal means equal
    expected = (ledger.pts[start:end] - ledger.pts[start]) * (
        ledger.time_base.numerator * made.time_base.denominator
    )
    actual = made.pts * (made.time_base.numerator * ledger.time_base.denominator)
    if not np.array_equal(actual, expected):
        raise MachineFault(f"{name} does not hold frames {start} to {end} at their times")
