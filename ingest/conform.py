"""Whether a source's pictures can serve as the master's as they are: copying costs a two-hundredth of coding."""

from __future__ import annotations

import numpy as np

from ingest.chunks import SEEKABLE
from ingest.picture import matrix_of
from ingest.probe import Probe
from ingest.profiles import Profile
from ingest.rhythm import TOLERANCE
from ingest.streams import VideoStream


def looks_conforming(source: Probe, size: int, profile: Profile) -> bool:
    """True for H.264 of `size` bytes such as the profile would make: upright, square, progressive, 8-bit 4:2:0 in
    BT.709 and range tv, no larger, at no more than `copy_bit_rate`, in groups no longer than its own.

    That each group starts afresh, and that all go by the same parameter sets, is left to `ingest.units`, which reads
    the file once more.
    """
    bits = 8 * size / max(source.span, 1.0)
    return source.container in SEEKABLE and bits <= profile.copy_bit_rate and _plain(source.video, profile)


def groups_conform(source: Probe, profile: Profile) -> bool:
    """True when every group of pictures is closed and no longer than the profile's, from the first picture on."""
    packets = source.packets
    keys = np.flatnonzero(packets.key)
    edges = np.append(packets.seconds()[keys], source.span)
    lengths = np.diff(edges)
    longest = profile.gop_seconds + TOLERANCE
    # an edit list may begin behind the only key frame: then none of the pictures shown is one
    starts = bool(packets.key[0])
    return starts and bool(packets.clean[keys].all()) and bool((lengths <= longest).all())


def _plain(video: VideoStream, profile: Profile) -> bool:
    colour = video.colour
    return (
        (video.codec, video.pixel_format) == ("h264", "yuv420p")
        and video.sar == 1
        and (video.rotation, video.mirrored, video.interlaced) == (0, False, False)
        and (video.width % 2, video.height % 2) == (0, 0)
        and min(video.width, video.height) <= profile.max_short_side
        and colour.range in ("tv", "unknown")
        and matrix_of(video) == "bt709"
        and not (colour.hdr or colour.wide)
    )
