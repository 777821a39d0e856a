"""Constant frame rate for those who need it: a copy of a master, and a map of which frame each of its frames is.

The master keeps the camera's own timing; this is where that is given up, knowingly. Frame k of the copy is what was on
show at k / rate seconds, so a frame may appear twice or not at all, and the map says so.

Format of the map: Parquet; `frame` int32 (of the copy), `ordinal` int32 (of the ledger), one row a frame, in order; the
rate "n/d" in the schema's metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.ffmpeg import GLOBAL, Tools, input_options
from ingest.frames import Ledger
from ingest.graph import MP4, NO_SEI
from ingest.packets import read_packets
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import SOURCE_NAME, Workspace, open_workspace

_CODERS = {"h264": "libx264", "hevc": "libx265"}
_CODED = "export.mp4"


@dataclass(frozen=True, slots=True)
class ExportProfile:
    """`rate` in frames/s; `codec` "h264" or "hevc"; `max_short_side` in pixels, never enlarged; `crf` of the coder."""

    rate: Fraction = Fraction(25)
    codec: str = "h264"
    max_short_side: int = 720
    crf: int = 23
    preset: str = "veryfast"


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the map lies, and the command that made the copy."""

    map: Path
    command: tuple[str, ...]


def frames_on_show(ledger: Ledger, rate: Fraction) -> NDArray[np.int64]:
    """Ordinals (K,) of the ledger's frames on show at 0, 1/rate, 2/rate … seconds, until the recording ends."""
    count = -(-ledger.time_of(ledger.frame_count) * rate // 1)
    # whole numbers throughout: tick k/rate in units of the time base, compared with time stamps from the first
    base, steps = ledger.time_base, np.arange(int(count), dtype=object)
    ticks = steps * (rate.denominator * base.denominator) // (rate.numerator * base.numerator)
    shown = np.searchsorted(ledger.pts - ledger.pts[0], ticks.astype(np.int64), side="right") - 1
    return np.asarray(shown, dtype=np.int64)


def export(
    source: Path,
    ledger: Ledger,
    target: Path,
    profile: ExportProfile,
    *,
    tools: Tools,
    should_stop: Callable[[], bool] | None = None,
) -> Exported:
    """Write `source` (a master: its frames are the ledger's) as `target`, and its map beside it.

    Raises Unexplained when the copy has other frames than the map says, ValueError for an unknown codec, Cancelled.
    """
    if profile.codec not in _CODERS:
        raise ValueError(f"{profile.codec} is no codec of exports; there are {', '.join(_CODERS)}")
    shown = frames_on_show(ledger, profile.rate)
    with open_workspace(source, target.parent, tools, DEFAULT_LIMITS, should_stop) as workspace:
        seconds = float(ledger.time_of(ledger.frame_count))
        argv = workspace.compile(_graph(workspace, profile, len(shown)))
        done = workspace.run(argv, media_seconds=seconds)
        if done.status != 0:
            raise Unexplained(f"{target.name} could not be made: {(done.stderr.splitlines() or ['?'])[-1]}")
        made = read_packets(workspace, _CODED, "v:0")
        if len(made.pts) != len(shown):
            raise Unexplained(f"{target.name} has {len(made.pts)} frames where {len(shown)} are due")
        (workspace.path / _CODED).replace(target)
    _write_map(target.with_suffix(".map.parquet"), shown, profile.rate)
    return Exported(target.with_suffix(".map.parquet"), ("ffmpeg", *argv[1:]))


def _write_map(path: Path, shown: NDArray[np.int64], rate: Fraction) -> None:
    schema = pa.schema([("frame", pa.int32()), ("ordinal", pa.int32())], metadata={"rate": str(rate)})
    columns = [pa.array(np.arange(len(shown)), pa.int32()), pa.array(shown, pa.int32())]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")


def _graph(workspace: Workspace, profile: ExportProfile, frames: int) -> Any:
    source = ffmpeg.input(f"file:{SOURCE_NAME}", **input_options(workspace.limits))
    side = profile.max_short_side
    # rounded up, a frame takes the first tick at or after its time: it is on show from there until the next one's
    picture = (
        source["v:0"]
        .filter("fps", fps=str(profile.rate), round="up", start_time=0)
        .filter("tpad", stop=-1, stop_mode="clone")
        .filter("trim", end_frame=frames)
        .filter("scale", f"if(lt(iw,ih),min({side},iw),-2)", f"if(lt(iw,ih),-2,min({side},ih))")
    )
    coding = {"c:v": _CODERS[profile.codec], "preset": profile.preset, "crf": profile.crf, "threads": 1}
    if profile.codec == "hevc":
        coding |= {"x265-params": "log-level=error:pools=1:frame-threads=1:info=0", "tag:v": "hvc1"}
    else:
        coding |= {"bsf:v": NO_SEI}
    sound = {"c:a": "copy", "map": "0:a?"}
    return ffmpeg.output(picture, _CODED, **MP4, **coding, **sound).global_args(*GLOBAL)
