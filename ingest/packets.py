"""What a container says about its pictures without decoding any: when each is shown, and which are key frames.

Reading packets costs a two-hundredth of decoding. It tells variable from constant frame rate, a file cut short, and
four packets that claim to last ten hours; and where decoding may start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ingest.ffmpeg import input_options
from ingest.packet_rows import ENTRIES, Rows, read_rows
from ingest.rhythm import seconds_since
from ingest.whitelist import PROBED
from ingest.workspace import SOURCE_NAME, Workspace

# What ffprobe says of Matroska and of MP4 in fragments (libavformat/matroskadec.c, mov.c).
_BROKEN_OFF = ("File ended prematurely", "partial file")


@dataclass(frozen=True, slots=True)
class Packets:
    """Of one video stream: `total` packets stored, and for those shown, sorted by time, their `pts` (int64, in
    `time_base`), their `key` flags, and `clean`: key frames at which decoding may start and give every picture from
    there on, for no picture is stored on one side of it and shown on the other (there may be none). `broken_off`
    when the file ends inside of what it began to say; `in_order` when pictures are stored as they are shown; `led_in`
    when an edit list hides a key frame before all that is shown, at which decoding starts; `reset` is the number, in
    order of decoding, of the packet at which the clock starts again, None where it does not."""

    total: int
    time_base: Fraction
    pts: NDArray[np.int64]
    key: NDArray[np.bool_]
    clean: NDArray[np.bool_]
    broken_off: bool = False
    in_order: bool = True
    led_in: bool = False
    reset: int | None = None

    @property
    def first(self) -> int:
        """Index of the first picture that can be decoded: what comes before the first key frame, shown or not, cannot
        (a stream joined at its middle)."""
        return 0 if self.led_in else int(np.argmax(self.key))

    def seconds(self, zero: int | None = None) -> NDArray[np.float64]:
        """Times in seconds from `zero` (the `first`, without it), see `rhythm.seconds_since`."""
        start = int(self.pts[self.first]) if zero is None else zero
        return seconds_since(start, self.pts, self.time_base)

    @property
    def variable(self) -> bool:
        """True when frame distances differ by more than the one tick that rounding to the time base causes."""
        gaps = np.diff(self.pts)
        return len(gaps) > 0 and int(gaps.max() - gaps.min()) > 1


def read_packets(
    workspace: Workspace, name: str, stream: str, media_seconds: float = 0.0, *, edited: bool = True
) -> Packets:
    """Read the packets of one stream of a file in the job directory; without `edited`, those too that an edit list
    of MP4 leaves out. Raises FileRejected when nothing can be read, or the source has more of them than is accepted.
    """
    argv = [str(workspace.tools.ffprobe), "-v", "error"]
    for option, value in input_options(workspace.limits, PROBED).items():
        argv += [f"-{option}", str(value)]
    argv += [] if edited else ["-ignore_editlist", "1"]
    argv += ["-select_streams", stream, "-show_entries", ENTRIES, "-of", "csv=p=0", f"file:{name}"]
    done = workspace.run(argv, media_seconds=media_seconds)
    # what was made here is bounded by what it was made from
    limits = workspace.limits if name == SOURCE_NAME else None
    packets = _in_order(*read_rows(done.stdout, limits))
    return replace(packets, broken_off=any(said in done.stderr for said in _BROKEN_OFF))


def _in_order(rows: Rows, time_base: Fraction) -> Packets:
    pts, key = rows.pts, rows.key
    clean = _clean(pts, key, told=rows.told)
    straight = bool((pts[1:] > pts[:-1]).all())
    if not straight:
        order = np.argsort(pts, kind="stable")
        pts, key, clean = pts[order], key[order], clean[order]
    return Packets(
        total=rows.total,
        time_base=time_base,
        pts=pts,
        key=key,
        clean=clean,
        in_order=straight,
        led_in=rows.led_in,
        reset=rows.reset,
    )


def _clean(pts: NDArray[np.int64], key: NDArray[np.bool_], *, told: bool) -> NDArray[np.bool_]:
    """Of packets in order of decoding, the key frames that no other packet crosses.

    A picture stored after a key frame and shown before it leans on what lies before (the leading pictures of an open
    group). Where the container tells no order of showing, only a stream of nothing but key frames is sure to have none.
    """
    if not told and not key.all():
        first: NDArray[np.bool_] = np.arange(len(key)) == np.argmax(key)
        return first
    clean = key.copy()
    clean[1:] &= np.maximum.accumulate(pts[:-1]) < pts[1:]
    clean[:-1] &= pts[:-1] < np.minimum.accumulate(pts[:0:-1])[::-1]
    return clean
