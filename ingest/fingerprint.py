"""vPDQ of a recording: one perceptual hash for each of about eight frames a second, and their text for interchange.

PDQ turns a picture into 256 bits that survive re-encoding, scaling and small marks; vPDQ is a list of them over time.
Both are Meta's: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019), and
`vpdq/README.md` of facebook/ThreatExchange for the list, its thresholds and its JSON. The bits come from Meta's own
C++ in `hvdaccelerators`.

To PDQ, a quarter of a second of moving footage is already another picture: two files of one recording agree only where
both hash the same frames. So frames are taken on Meta's grid (see `period_of`), and two a second of them count; the
others are there for a file that was cut, whose own grid lies elsewhere: one of them is near each that counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from hvdaccelerators import vpdq
from numpy.typing import NDArray

from ingest.frames import Ledger

SIDE = 224
COUNTED = 2  # frames of a period that count
DENSE = 8  # frames of a period that are hashed
HASH_BYTES = 32
_HEX_DIGITS = 2 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class Feature:
    """One frame as vPDQ's interchange has it: 32 bytes, `quality` 0…100 (how much there is to see), seconds."""

    hash: bytes
    quality: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FrameHash(Feature):
    """The same with the frame that it was made of: `ordinal`, and `pts` in the ledger's time base. `seconds` are from
    the first frame. `counts`: shares are counted in these, the others only help to find them in another file."""

    ordinal: int
    pts: int
    counts: bool = True


def period_of(rate: Fraction) -> int:
    """How many frames lie between two of Meta's: the whole part of the average rate, at least 1.

    vPDQ hashes every frame whose ordinal is a multiple of it (`filehasher.cpp`, one second a hash).
    """
    return max(1, int(rate))


def offsets_of(rate: Fraction, frames: int = DENSE) -> list[int]:
    """Where in each period frames are taken, rising from 0 (Meta's own): ordinals modulo the period, evenly spread.

    What counts (`COUNTED`) is among what is hashed (`DENSE`); a period of few frames gives all of them.
    """
    period = period_of(rate)
    return sorted({part * period // frames for part in range(frames)})


def grid(frame_count: int, rate: Fraction, frames: int = DENSE) -> NDArray[np.int64]:
    """The ordinals to hash of a recording, rising: those of the offsets, in every period."""
    ordinals = np.arange(frame_count, dtype=np.int64)
    return ordinals[np.isin(ordinals % period_of(rate), offsets_of(rate, frames))]


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a raw file in turn, (SIDE, SIDE, 3) uint8, RGB. Raises ValueError for a part of one."""
    size = SIDE * SIDE * 3
    with path.open("rb") as file:
        while data := file.read(size):
            if len(data) != size:
                raise ValueError(f"{path.name} ends inside a picture")
            yield np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)


def vpdq_of(
    frames: Iterable[NDArray[np.uint8]], ordinals: Iterable[int], ledger: Ledger, rate: Fraction
) -> list[FrameHash]:
    """Hash frames, each (SIDE, SIDE, 3) uint8 RGB, that are those `ordinals` of the ledger, in the same order.

    `rate`: the recording's average, in frames a second, which says which of them count.

    Raises ValueError for a picture of another shape or unless there are as many ordinals as frames, IndexError for an
    ordinal that the ledger lacks.
    """
    made = ((int(at), *hash_picture(frame)) for frame, at in zip(frames, ordinals, strict=True))
    return place(made, ledger, rate)


def hash_picture(frame: NDArray[np.uint8]) -> tuple[bytes, int]:
    """PDQ of a picture (SIDE, SIDE, 3) uint8 RGB: 32 bytes, and its quality. Raises ValueError for another shape."""
    if frame.shape != (SIDE, SIDE, 3) or frame.dtype != np.uint8:
        raise ValueError(f"a picture is ({SIDE}, {SIDE}, 3) uint8, not {frame.shape} {frame.dtype}")
    digits, quality = vpdq.hash_frame(frame.tobytes(), SIDE, SIDE)
    return bytes.fromhex(digits.decode()), int(quality)


def place(made: Iterable[tuple[int, bytes, int]], ledger: Ledger, rate: Fraction) -> list[FrameHash]:
    """Put hashes, each (ordinal, 32 bytes, quality), on the ledger. Raises IndexError for an ordinal that it lacks."""
    period, counted = period_of(rate), offsets_of(rate, COUNTED)
    return [
        FrameHash(
            hash=digest,
            quality=quality,
            seconds=float(ledger.time_of(at)),
            ordinal=at,
            pts=ledger.pts_of(at),
            counts=at % period in counted,
        )
        for at, digest, quality in made
    ]


def clip_of(hashes: Sequence[FrameHash], start_frame: int, end_frame: int) -> list[FrameHash]:
    """The vPDQ of a clip: the hashes of frames [start_frame, end_frame). Seconds stay those of the recording."""
    return [one for one in hashes if start_frame <= one.ordinal < end_frame]


def once_a_second(hashes: Sequence[FrameHash], rate: Fraction) -> list[FrameHash]:
    """What Meta's own hasher would have kept of these: the frames on its grid, for interchange."""
    period = period_of(rate)
    return [one for one in hashes if one.ordinal % period == 0]


def to_json(features: Sequence[Feature]) -> str:
    """vPDQ's interchange: a JSON list of "<64 hex digits>,<quality>,<seconds with 3 decimals>".

    Source: `VpdqCompactFeature` in threatexchange/extensions/vpdq/vpdq_util.py.
    """
    return json.dumps([f"{one.hash.hex()},{one.quality},{one.seconds:.3f}" for one in features])


def from_json(text: str) -> list[Feature]:
    """Read what `to_json`, or Meta's tools, wrote. Raises ValueError that names what is malformed."""
    lines = json.loads(text)
    if not isinstance(lines, list):
        raise ValueError("a vPDQ is a JSON list")  # noqa: TRY004 - the text is wrong, not the argument
    return [_feature(line) for line in lines]


def _feature(line: object) -> Feature:
    match line.split(",") if isinstance(line, str) else ():
        case [digits, quality, seconds] if len(digits) == _HEX_DIGITS:
            one = Feature(bytes.fromhex(digits), int(quality), float(seconds))
            if 0 <= one.quality <= 100 and one.seconds >= 0:
                return one
    raise ValueError(f"not a frame of a vPDQ: {line!r}")
