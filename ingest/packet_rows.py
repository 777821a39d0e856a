"""Reads what ffprobe wrote of packets, a piece at a time: a file of a few megabytes can name millions of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from ingest.errors import FileRejected
from ingest.profiles import Limits

# What ffprobe is asked for: a line "pts,dts,flags" for each packet, and after all of them the time base "n/d".
ENTRIES = "packet=pts,dts,flags:stream=time_base"
_COLUMNS = {"pts": pa.int64(), "dts": pa.int64(), "flags": pa.string()}
_PIECE_BYTES, _END_BYTES = 1 << 20, 200


@dataclass(frozen=True, slots=True)
class Rows:
    """Packets in order of decoding: `total` of them stored; of those shown `pts` (int64, in the time base) and `key`
    flags. `told` when each of these has a time of showing, not only one of decoding; `led_in` when a key frame that an
    edit list hides stands before all of them; `reset` the number of the packet at which the clock starts again."""

    total: int
    pts: NDArray[np.int64]
    key: NDArray[np.bool_]
    told: bool
    led_in: bool
    reset: int | None


def read_rows(path: Path, limits: Limits | None) -> tuple[Rows, Fraction]:
    """Read ffprobe's answer; returns the time base too. Raises FileRejected when it names no packet that is shown, or
    more packets than `limits` allow for."""
    time_base = _time_base(path)
    pieces: list[Rows] = []
    for table in _tables(path):
        pieces.append(_rows(table, sum(piece.total for piece in pieces), time_base))
        if limits:
            _refuse_many(pieces, time_base, limits)
    if not time_base or not any(len(piece.pts) for piece in pieces):
        raise FileRejected(
            "undecodable", "The file names a video track, but no pictures can be read from it."
        )
    whole = Rows(
        sum(piece.total for piece in pieces),
        np.concatenate([piece.pts for piece in pieces]),
        np.concatenate([piece.key for piece in pieces]),
        all(piece.told for piece in pieces),
        any(piece.led_in for piece in pieces[: 1 + [len(piece.pts) > 0 for piece in pieces].index(True)]),
        next((piece.reset for piece in pieces if piece.reset is not None), None),
    )
    return whole, time_base


def _time_base(path: Path) -> Fraction:
    """The time base at the end (said twice where the stream belongs to a programme); 0 where there is none."""
    with path.open("rb") as text:
        text.seek(max(0, path.stat().st_size - _END_BYTES))
        last = (text.read().split() or [b""])[-1].rstrip(b",")  # which a track with side data ends in
    return Fraction(last.decode()) if b"/" in last else Fraction(0)


def _tables(path: Path) -> Iterator[pa.Table]:
    with path.open("rb") as text:
        while piece := text.read(_PIECE_BYTES) + text.readline():
            while b",\n" in piece:  # a packet with side data ends in an empty field
                piece = piece.replace(b",\n", b"\n")
            lines = piece.rstrip()
            while lines and b"," not in (said := lines[lines.rfind(b"\n") + 1 :]):  # the time base
                lines = lines[: -len(said)].rstrip()
            if lines:
                yield csv.read_csv(
                    io.BytesIO(lines),
                    read_options=csv.ReadOptions(column_names=list(_COLUMNS), use_threads=False),
                    convert_options=csv.ConvertOptions(column_types=_COLUMNS, null_values=["N/A"]),
                )


def _rows(table: pa.Table, before: int, time_base: Fraction) -> Rows:
    # AVI stores no pts
    stamps = pc.coalesce(table["pts"], table["dts"])
    keys, hidden = (_flags(table["flags"], flag) for flag in "KD")
    shown = _bools(pc.is_valid(stamps)) & ~hidden
    told = _bools(pc.is_valid(table["pts"]))[shown].all()
    led_in = (keys & hidden)[: np.argmax(shown) if shown.any() else None].any()
    reset = _reset(table["dts"].to_numpy(), time_base)
    return Rows(
        total=table.num_rows,
        pts=stamps.filter(pa.array(shown)).to_numpy(),
        key=keys[shown],
        told=bool(told),
        led_in=bool(led_in),
        reset=None if reset is None else before + reset,
    )


def _reset(dts: NDArray[np.float64], time_base: Fraction) -> int | None:
    """Index from which on times of decoding lie over a second before those until then. A single one that is out of its
    place is none; what is not told (NaN) neither."""
    back = (dts[1:-2] - dts[2:-1]) * float(time_base) > 1
    stays = (dts[:-3] - dts[3:]) * float(time_base) > 1
    found = np.flatnonzero(back & stays)
    return int(found[0]) + 2 if len(found) else None


def _flags(column: pa.ChunkedArray, flag: str) -> NDArray[np.bool_]:
    return _bools(pc.match_substring(column, flag))


def _bools(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), dtype=np.bool_)


def _refuse_many(pieces: Sequence[Rows], time_base: Fraction, limits: Limits) -> None:
    """Refuse more packets than a camera takes pictures in the time that they span."""
    total = sum(piece.total for piece in pieces)
    ends = [int(end) for piece in pieces if len(piece.pts) for end in (piece.pts.min(), piece.pts.max())]
    seconds = float((max(ends) - min(ends)) * time_base) if ends else 0.0
    if total > min(limits.max_frames, limits.spare_frames + limits.max_frame_rate * seconds):
        raise FileRejected(
            "too_large",
            f"The file has more pictures than are accepted: at least {total} in {seconds:.0f} seconds.",
        )
