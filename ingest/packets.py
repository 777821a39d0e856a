"""What a container says about its pictures without decoding any: when each is shown, and which are key frames.

Reading packets costs a two-hundredth of decoding. It tells variable from constant frame rate, a file cut short, and
four packets that claim to last ten hours; and where decoding may start.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.rhythm import seconds_since
from ingest.whitelist import PROBED
from ingest.workspace import Workspace

_ENTRIES = "packet=pts,dts,flags:stream=time_base"
_COLUMNS = {"pts": pa.int64(), "dts": pa.int64(), "flags": pa.string()}
# What ffprobe says of Matroska and of MP4 in fragments (libavformat/matroskadec.c, mov.c).
_BROKEN_OFF = ("File ended prematurely", "partial file")
_LATEST, _EARLIEST = np.iinfo(np.int64).max, np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Packets:
    """Of one video stream: `total` packets stored, and for those shown, sorted by time, their `pts` (int64, in
    `time_base`), their `key` flags, and `clean`: key frames at which decoding may start and give every picture from
    there on, for no picture is stored on one side of it and shown on the other (there may be none). `broken_off`
    when the file ends inside of what it began to say; `in_order` when pictures are stored as they are shown."""

    total: int
    time_base: Fraction
    pts: NDArray[np.int64]
    key: NDArray[np.bool_]
    clean: NDArray[np.bool_]
    broken_off: bool = False
    in_order: bool = True

    @property
    def first(self) -> int:
        """Index of the first key frame: what comes before it (a stream joined at its middle) cannot be decoded."""
        return int(np.argmax(self.key))

    def seconds(self, zero: int | None = None) -> NDArray[np.float64]:
        """Times in seconds from `zero` (the first key frame, without it), see `rhythm.seconds_since`."""
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
    of MP4 leaves out. Raises FileRejected when nothing can be read.
    """
    argv = [str(workspace.tools.ffprobe), "-v", "error"]
    for option, value in input_options(workspace.limits, PROBED).items():
        argv += [f"-{option}", str(value)]
    argv += [] if edited else ["-ignore_editlist", "1"]
    argv += ["-select_streams", stream, "-show_entries", _ENTRIES, "-of", "csv=p=0", f"file:{name}"]
    done = workspace.run(argv, media_seconds=media_seconds)
    packets = _parse(done.stdout.read_bytes())
    return replace(packets, broken_off=any(said in done.stderr for said in _BROKEN_OFF))


def _parse(text: bytes) -> Packets:
    """Parse ffprobe's lines "pts,dts,flags", in order of decoding, and after them the stream's time base "n/d"."""
    while b",\n" in text:  # a packet with side data ends in an empty field
        text = text.replace(b",\n", b"\n")
    lines, time_base = text.strip(), Fraction(0)
    while lines and b"," not in (said := lines[lines.rfind(b"\n") + 1 :]):
        time_base = Fraction(said.decode())  # said twice where the stream belongs to a programme
        lines = lines[: -len(said)].rstrip()
    if not lines or not time_base:
        raise _nothing()
    table = csv.read_csv(
        io.BytesIO(lines),
        read_options=csv.ReadOptions(column_names=list(_COLUMNS)),
        convert_options=csv.ConvertOptions(column_types=_COLUMNS, null_values=["N/A"]),
    )
    # AVI stores no pts
    stamps = pc.coalesce(table["pts"], table["dts"])
    shown = pc.and_(pc.is_valid(stamps), pc.invert(pc.match_substring(table["flags"], "D")))
    pts = stamps.filter(shown).to_numpy()
    if not len(pts):
        raise _nothing()
    key = pc.match_substring(table["flags"], "K").filter(shown).to_numpy().astype(np.bool_)
    reordered = pc.is_valid(table["pts"]).filter(shown).to_numpy().astype(np.bool_)
    clean = _clean(pts, key, told=bool(reordered.all()))
    order = np.argsort(pts, kind="stable")
    straight = bool((order[1:] > order[:-1]).all())
    return Packets(table.num_rows, time_base, pts[order], key[order], clean[order], in_order=straight)


def _clean(pts: NDArray[np.int64], key: NDArray[np.bool_], *, told: bool) -> NDArray[np.bool_]:
    """Of packets in order of decoding, the key frames that no other packet crosses.

    A picture stored after a key frame and shown before it leans on what lies before (the leading pictures of an open
    group). Where the container tells no order of showing, only a stream of nothing but key frames is sure to have none.
    """
    if not told and not key.all():
        first: NDArray[np.bool_] = np.arange(len(key)) == np.argmax(key)
        return first
    before = np.maximum.accumulate(np.concatenate([[_EARLIEST], pts[:-1]]))
    after = np.minimum.accumulate(np.concatenate([pts[1:], [_LATEST]])[::-1])[::-1]
    clean: NDArray[np.bool_] = key & (before < pts) & (pts < after)
    return clean


def _nothing() -> FileRejected:
    return FileRejected("undecodable", "The file names a video track, but no pictures can be read from it.")
