"""Where decoding may start and give the same pictures as decoding from the beginning.

A container's key flag promises less: H.264 also sets it on recovery points, after which pictures may lean on earlier
ones (intra refresh) or come out whole only later. What starts afresh is told by the type of a coded slice.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ingest.ffmpeg import input_options
from ingest.packets import Packets
from ingest.workspace import SOURCE_NAME, Workspace

# NAL unit types. H.264 (ITU-T H.264, table 7-1): 5 is a slice of an IDR picture. HEVC (ITU-T H.265, table 7-1): 16 to
# 21 are slices of pictures of random access.
_FRESH = {"h264": "5", "hevc": "16-21"}
_STARTS_NAME = "starts.txt"


def keep_fresh_starts(
    workspace: Workspace, packets: Packets, index: int, codec: str, seconds: float
) -> Packets:
    """Return `packets` with `clean` left only where the coded picture itself starts afresh; the first stays.

    `index` is the picture track's, `seconds` the length of what is read. What cannot be told is not clean.
    """
    if codec not in _FRESH or packets.clean.sum() <= 1:
        return packets
    target = workspace.path / _STARTS_NAME
    argv = [str(workspace.tools.ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y", "-copyts"]
    for option, value in input_options(workspace.limits).items():
        argv += [f"-{option}", str(value)]
    argv += ["-i", f"file:{SOURCE_NAME}", "-map", f"0:{index}", "-c", "copy"]
    # a packet of which no unit is left is dropped: what comes out are the fresh starts
    argv += ["-bsf:v", f"filter_units=pass_types={_FRESH[codec]}", "-f", "framecrc", _STARTS_NAME]
    done = workspace.run(argv, media_seconds=seconds)
    fresh = _stamps(target) if done.status == 0 else []
    target.unlink(missing_ok=True)
    clean = packets.clean & np.isin(packets.pts, np.array(fresh, dtype=np.int64))
    clean[packets.first] |= packets.clean[packets.first]
    return replace(packets, clean=clean)


def _stamps(path: Path) -> list[int]:
    """Presentation times of FFmpeg's framecrc lines: "stream, dts, pts, duration, size, checksum, …"."""
    with path.open() as lines:
        return [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
