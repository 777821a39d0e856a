"""Which pictures another decoding need not give again.

Where a part of a picture is lost, FFmpeg's decoders of ProRes, MJPEG and VP8, and of HEVC that breaks off, leave in its
place what its memory held before: another picture, or nothing where it was never used. Which that is depends on when
earlier pictures were let go, and is another on each run. So the pictures are decoded twice more, through a filter that
lets them go in random order: soon, so that memory is used again, and late, so that it is not. What does not come out of
both as before is named. Some of these decoders say nothing of the damage.
"""

from __future__ import annotations

from ingest.checks import undecodable
from ingest.chunks import Chunk
from ingest.ffmpeg import Completed
from ingest.graph import GLOBAL, decoded, hashed
from ingest.plan import Plan
from ingest.workspace import Workspace

# Pictures that the filter keeps back, each time.
_KEPT, _SEED = (2, 32), 1
AGAIN_NAMES = tuple(f"again-{kept}.txt" for kept in _KEPT)
# Decoders that were never seen to pass over damage in silence, but for the end of a file that does not declare its end.
_OUTSPOKEN = {"h264", "hevc", "av1", "vp9"}
_UNDECLARED = {"mpegts"}


def may_be_damaged(plan: Plan, chunk: Chunk, done: Completed) -> bool:
    """False when the decoder had nothing to say of the chunk and is one that would have."""
    outspoken = plan.source.video.codec in _OUTSPOKEN
    last = chunk.end_pts is None and plan.source.container in _UNDECLARED
    return bool(done.complaints) or last or not outspoken


def decode_again(workspace: Workspace, plan: Plan, chunk: Chunk) -> None:
    """Write the `AGAIN_NAMES`: the chunk's framehash anew, its lines in any order. Raises FileRejected."""
    for name, kept in zip(AGAIN_NAMES, _KEPT, strict=True):
        picture = decoded(plan, chunk, workspace.limits).filter("random", frames=kept, seed=_SEED)
        argv = workspace.compile(hashed(picture, name).global_args(*GLOBAL))
        done = workspace.run(argv, media_seconds=plan.source.duration)
        if done.status != 0:
            raise undecodable("pictures", done)
