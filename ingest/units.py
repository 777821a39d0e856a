"""What kinds of units (NAL units of H.264 and HEVC) a source's packets are made of, by reading the file once.

A container's key flag promises less than a picture of random access: H.264 also sets it on recovery points, after
which pictures may lean on earlier ones (intra refresh) or come out whole only later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import ffmpeg
import numpy as np

from ingest.ffmpeg import GLOBAL, input_options
from ingest.framehash import take_listing
from ingest.packets import Packets
from ingest.probe import Probe
from ingest.workspace import SOURCE_NAME, Workspace

# Unit types. H.264 (ITU-T H.264, table 7-1): 5 is a slice of an IDR picture, 7 and 8 are parameter sets, 13 and 15
# those of extensions. HEVC (ITU-T H.265, table 7-1): 16 to 21 are slices of pictures of random access.
_FRESH = {"h264": "5", "hevc": "16-21"}
_SETS = {"h264": "7-8|13|15"}
_FRESH_NAME, _SETS_NAME = "starts.txt", "sets.txt"


@dataclass(frozen=True, slots=True)
class Units:
    """`fresh`: presentation times of the packets whose picture starts afresh; None for codecs of which that cannot be
    told. `sets`: those of the packets that carry parameter sets, each with a hash of them; None where they were not
    looked for or cannot be told."""

    fresh: tuple[int, ...] | None = None
    sets: tuple[tuple[int, str], ...] | None = None

    def keep_fresh_starts(self, packets: Packets) -> Packets:
        """The packets with `clean` left only where the coded picture itself starts afresh; the first stays."""
        if self.fresh is None:
            return packets
        clean = packets.clean & np.isin(packets.pts, np.array(self.fresh, dtype=np.int64))
        clean[packets.first] |= packets.clean[packets.first]
        return replace(packets, clean=clean)

    def same_parameters(self, packets: Packets) -> bool:
        """True when no key frame carries parameter sets, or every one carries the same and no other picture any.

        A header has room for those that a file starts with. A clip that is cut without coding from behind others,
        stored among the pictures, carries the wrong ones; where every group brings its own, it carries them along.
        """
        if self.sets is None:
            return False
        at = sorted(pts for pts, _ in self.sets)
        same = len({hashed for _, hashed in self.sets}) == 1
        return not at or (at == packets.pts[packets.key].tolist() and same)


def read_units(workspace: Workspace, source: Probe, *, sets: bool) -> Units:
    """Read the source's units; its parameter sets too with `sets`. Nothing is fresh in what cannot be read."""
    codec = source.video.codec
    if codec not in _FRESH:
        return Units()
    looked_for = {_FRESH_NAME: _FRESH[codec]} | (
        {_SETS_NAME: _SETS[codec]} if sets and codec in _SETS else {}
    )
    given = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))[str(source.video.index)]
    argv = workspace.compile(
        ffmpeg.merge_outputs(
            *(_listed(given, name, types) for name, types in looked_for.items())
        ).global_args(*GLOBAL)
    )
    done = workspace.run(argv, media_seconds=source.duration)
    found = {name: take_listing(workspace.path / name) for name in looked_for}
    if done.status != 0:
        return Units(fresh=())
    return Units(
        fresh=tuple(one.pts for one in found[_FRESH_NAME]),
        sets=tuple((one.pts, one.hash) for one in found[_SETS_NAME]) if _SETS_NAME in found else None,
    )


def _listed(pictures: Any, name: str, types: str) -> Any:
    """Packets with units of those types, and only these units of them: of which none is left, that is dropped."""
    listing = {"f": "framehash", "hash": "murmur3"}
    return ffmpeg.output(pictures, name, c="copy", **{"bsf:v": f"filter_units=pass_types={types}"}, **listing)
