"""Whether pictures are interlaced where the container does not say: the first of them are decoded and asked.

AVI has no place for the order of fields, and DV and MPEG-4 say it in each picture alone.
"""

from __future__ import annotations

from typing import Any

from ingest.ffmpeg import input_options
from ingest.whitelist import PROBED
from ingest.workspace import SOURCE_NAME, Workspace

# HEVC is none of them: its fields are pictures of their own, not woven into frames.
_CAN_BE = frozenset({"dvvideo", "mpeg4", "mpeg2video", "h264", "mjpeg", "prores"})
_SAID = ("tt", "bb", "tb", "bt")
# Pictures to ask: a camera's first may be a blank one.
_ASKED = 8


def is_interlaced(workspace: Workspace, stream: dict[str, Any]) -> bool:
    """True when ffprobe's description of the picture track, or one of its first pictures, says so."""
    said = stream.get("field_order", "unknown")
    if said != "unknown" or stream.get("codec_name") not in _CAN_BE:
        return said in _SAID
    argv = [str(workspace.tools.ffprobe), "-v", "error"]
    for option, value in input_options(workspace.limits, PROBED).items():
        argv += [f"-{option}", str(value)]
    argv += ["-select_streams", str(stream["index"]), "-read_intervals", f"%+#{_ASKED}"]
    argv += ["-show_entries", "frame=interlaced_frame:frame_side_data=", "-of", "csv=p=0"]
    done = workspace.run([*argv, f"file:{SOURCE_NAME}"])
    return "1" in done.stdout.read_text(errors="replace").replace(",", " ").split()
