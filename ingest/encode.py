"""Codes one chunk of a recording: everything that is seen of it, from one decode."""

from __future__ import annotations

from collections.abc import Callable

from ingest.chunks import Chunk
from ingest.errors import FileRejected
from ingest.graph import build
from ingest.plan import Plan
from ingest.profiles import Profile
from ingest.workspace import Workspace


def encode(
    workspace: Workspace,
    plan: Plan,
    chunk: Chunk,
    profile: Profile,
    *,
    master: bool = True,
    on_frames: Callable[[int], None] | None = None,
) -> tuple[str, ...]:
    """Make the chunk's files in the workspace; returns the command. `on_frames` gets the number of pictures done.

    Raises FileRejected when the chunk cannot be decoded.
    """
    argv = workspace.compile(build(plan, chunk, profile, workspace.limits, master=master))

    def follow(output: str) -> None:
        counts = [line[6:] for line in output.splitlines() if line.startswith("frame=")]
        if on_frames and counts and counts[-1].strip().isdigit():
            on_frames(min(chunk.frames, int(counts[-1])))

    span = plan.source.duration if len(plan.chunks) == 1 else plan.seconds_of(chunk)
    done = workspace.run(argv, media_seconds=span, on_output=follow)
    if done.status != 0:
        last = (done.stderr.splitlines() or ["no message"])[-1]
        raise FileRejected("undecodable", f"The file cannot be decoded: {last}")
    return ("ffmpeg", *argv[1:])
