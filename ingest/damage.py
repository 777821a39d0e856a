"""Which pictures another decoding need not give again.

Where a part of a picture is lost, FFmpeg's decoders of ProRes, MJPEG and VP8, and of HEVC that breaks off, leave in its
place what its memory held before: another picture, or nothing where it was never used. Which that is depends on when
earlier pictures were let go, and is another on each run. So such pictures are decoded twice more while others are kept
in hand and let go in random order: few, so that memory is used again, and many, so that it is not. What does not come
out of both as before is named. It may be missed where a chunk has only begun, and no memory was used before.
"""

from __future__ import annotations

import ffmpeg

from ingest.checks import undecodable
from ingest.chunks import Chunk
from ingest.ffmpeg import GLOBAL, Completed
from ingest.graph import decoded, hashed
from ingest.plan import Plan
from ingest.workspace import Workspace

AGAIN_NAMES = ("again-few.txt", "again-many.txt")
_FEW, _MANY, _SEED = 2, 32, 1
# Bytes of pictures that are kept in hand.
_MOST_KEPT = 512 << 20
# Decoders that were seen to pass over damage in silence; the rest complain, but for the last pictures of a file that
# does not say where it ends.
_SILENT = {"prores", "mjpeg", "vp8", "dvvideo"}
_SILENT_AT_THE_END = {"hevc"}
_UNDECLARED = {"mpegts"}


def may_be_damaged(plan: Plan, chunk: Chunk, done: Completed) -> bool:
    """False when the decoder had nothing to say of the chunk and is one that would have."""
    source = plan.source
    codec, open_end = source.video.codec, source.container in _UNDECLARED and chunk.end_pts is None
    return bool(done.complaints) or codec in _SILENT or (open_end and codec in _SILENT_AT_THE_END)


def decode_again(workspace: Workspace, plan: Plan, chunk: Chunk, span: float) -> None:
    """Write the `AGAIN_NAMES`: the framehash of the chunk, `span` seconds of it, anew. Raises FileRejected."""
    room = _MOST_KEPT // max(1, plan.measured.picture_bytes)
    for name, kept in zip(AGAIN_NAMES, (_FEW, max(_FEW, min(_MANY, room))), strict=True):
        # hashed before they are held: where the pictures' kind changes, ffmpeg loses what a filter holds
        branches = decoded(plan, chunk, workspace.limits).filter_multi_output("split", 2)
        held = ffmpeg.output(branches[1].filter("random", frames=kept, seed=_SEED), "-", f="null")
        graph = ffmpeg.merge_outputs(hashed(branches[0], name), held)
        done = workspace.run(workspace.compile(graph.global_args(*GLOBAL)), media_seconds=span)
        if done.status != 0:
            raise undecodable("pictures", done)
