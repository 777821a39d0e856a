"""Codes one chunk of a recording: everything that is seen of it, from one decode."""

from __future__ import annotations

from collections.abc import Callable

from ingest.checks import undecodable
from ingest.chunks import Chunk
from ingest.damage import decode_again, may_be_damaged
from ingest.framehash import read_framehash
from ingest.frames import refuse_standing_time
from ingest.graph import FRAMES_NAME, GREY_NAME, RAW_SAMPLES_NAME, build, taking_of
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.samples import write_chunk
from ingest.signals.pictures import read_pictures
from ingest.workspace import Workspace

SIGNALS_PART = "signals.npz"


def encode(
    workspace: Workspace,
    plan: Plan,
    chunk: Chunk,
    profile: Profile,
    on_frames: Callable[[int], None] | None = None,
) -> tuple[str, ...]:
    """Make the chunk's files in the workspace; returns the command. `on_frames` gets the number of pictures done.

    What is left: `frames.txt`, `master.mp4` (unless it is copied), `proxy.mp4`, `tiles.rgb`, `signals.npz`,
    `samples.parquet`, `fingerprint.parquet`, in the first chunk `poster.jpg`, and `again-*.txt` where pictures may
    be damaged. Raises FileRejected when the chunk cannot be decoded.
    """
    argv = workspace.compile(build(plan, chunk, profile, workspace.limits))

    def follow(output: str) -> None:
        counts = [line[6:] for line in output.splitlines() if line.startswith("frame=")]
        if on_frames and counts and counts[-1].strip().isdigit():
            on_frames(min(chunk.frames, int(counts[-1])))

    span = plan.source.duration if len(plan.chunks) == 1 else plan.seconds_of(chunk)
    done = workspace.run(argv, media_seconds=span, on_output=follow)
    if done.status != 0:
        raise undecodable("pictures", done)
    if may_be_damaged(plan, chunk, done):
        decode_again(workspace, plan, chunk, span)
    _condense(workspace, plan, chunk, profile)
    return ("ffmpeg", *argv[1:])


def _condense(workspace: Workspace, plan: Plan, chunk: Chunk, profile: Profile) -> None:
    """Turn raw pictures into what is kept of them: figures, and JPEGs."""
    decoded = read_framehash(workspace.path / FRAMES_NAME)
    refuse_standing_time(decoded.pts)
    grey, raw = workspace.path / GREY_NAME, workspace.path / RAW_SAMPLES_NAME
    read_pictures(grey).save(workspace.path / SIGNALS_PART)
    write_chunk(raw, workspace.path, decoded, plan.measured.zero, taking_of(plan, chunk, profile))
    grey.unlink()
    raw.unlink()
