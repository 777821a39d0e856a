"""Whether a seam between chunks holds: decoding may start there and gives what decoding from the beginning gives.

A picture that is damaged promises nothing: it is dropped, or mended with what was shown before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.chunks import Chunk, keep_seams
from ingest.ffmpeg import input_options
from ingest.framehash import take_listing
from ingest.probe import Probe
from ingest.workspace import SOURCE_NAME, Workspace

_SEAM_NAME = "seam.txt"


def keep_whole_seams(
    workspace: Workspace, source: Probe, chunks: Sequence[Chunk], picture_bytes: int
) -> tuple[Chunk, ...]:
    """Return the chunks without the seams at which the first picture, decoded by itself, is missing, damaged, or takes
    other than `picture_bytes`: pictures that change their size do so within a chunk, where it shows."""
    whole = {chunk.start_pts for chunk in chunks[1:] if _is_whole(workspace, source, chunk, picture_bytes)}
    return keep_seams(chunks, whole)


def _is_whole(workspace: Workspace, source: Probe, chunk: Chunk, picture_bytes: int) -> bool:
    """True when the packet of the chunk's first picture alone gives it, in that size, without a complaint."""
    argv = [str(workspace.tools.ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y", "-copyts"]
    for option, value in input_options(workspace.limits).items():
        argv += [f"-{option}", str(value)]
    # That packet alone reaches the decoder (seeking may lead to one before), and reading ends by its time: an end by
    # the first picture would come earlier on one run and later on another, with other complaints.
    argv += ["-bsf:v", f"noise=drop=not(eq(pts\\,{chunk.start_pts}))", "-t", "0.001"]
    argv += [
        "-ss",
        f"{chunk.seek:.6f}",
        "-seek_timestamp",
        "1",
        "-noaccurate_seek",
        "-i",
        f"file:{SOURCE_NAME}",
    ]
    argv += ["-map", f"0:{source.video.index}", "-c:v", "rawvideo", "-fps_mode", "passthrough"]
    done = workspace.run([*argv, "-enc_time_base", "demux", "-f", "framecrc", _SEAM_NAME])
    shown = [(one.pts, one.size) for one in take_listing(workspace.path / _SEAM_NAME)]
    return done.status == 0 and not done.complaints and shown[:1] == [(chunk.start_pts, picture_bytes)]
