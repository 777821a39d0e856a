"""How much of one vPDQ is in another, as Meta's matcher counts it, and where.

Two frames are alike when at most 31 of their 256 bits differ and both are of quality 50 or more; of equal hashes in one
list the first counts. Source: `vpdq_brute_matcher.py` and `vpdq_util.py` of facebook/ThreatExchange; these are its
defaults. Ours differs in one point: each frame that counts is sought among all that were hashed of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ingest.fingerprint import HASH_BYTES, Feature, FrameHash

MOST_BITS = 31
LEAST_QUALITY = 50
_ROWS = 512
F = TypeVar("F", bound=Feature)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames [start_frame, end_frame) of a recording in which every frame that counts is matched."""

    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class Match:
    """Shares from 0 to 1 of the frames that count: of the query found in the compared, and the other way round.

    The stretches say where: `query` in the query's frames, `compared` in the other's.
    """

    query_share: float
    compared_share: float
    query: tuple[Stretch, ...]
    compared: tuple[Stretch, ...]


def comparable(hashes: Sequence[FrameHash]) -> list[FrameHash]:
    """The frames that count and are good enough to tell apart, equal hashes once, in the order given."""
    return usable([one for one in hashes if one.counts])


def usable(hashes: Sequence[F]) -> list[F]:
    """The frames that are good enough to tell apart, equal hashes once, in the order given."""
    first: dict[bytes, F] = {}
    for one in hashes:
        if one.quality >= LEAST_QUALITY:
            first.setdefault(one.hash, one)
    return list(first.values())


def match(query: Sequence[FrameHash], compared: Sequence[FrameHash]) -> Match:
    """Compare two recordings frame by frame; a recording without a frame that counts has share 0 on both sides."""
    mine, theirs = comparable(query), comparable(compared)
    if not mine or not theirs:
        return Match(0.0, 0.0, (), ())
    found, found_there = _alike(mine, usable(compared)), _alike(theirs, usable(query))
    return Match(
        float(found.mean()),
        float(found_there.mean()),
        _stretches(mine, found),
        _stretches(theirs, found_there),
    )


def _words(hashes: Sequence[Feature]) -> NDArray[np.uint64]:
    """(N, 4) uint64: the bits of N hashes."""
    joined = b"".join(one.hash for one in hashes)
    return np.frombuffer(joined, np.uint64).reshape(-1, HASH_BYTES // 8)


def _alike(wanted: Sequence[Feature], among: Sequence[Feature]) -> NDArray[np.bool_]:
    """Which of the N wanted have a like among the M others, (N,) bool; a block of rows at a time bounds the memory."""
    mine, theirs = _words(wanted), _words(among)
    found = np.zeros(len(mine), np.bool_)
    for start in range(0, len(mine), _ROWS):
        block = mine[start : start + _ROWS]
        bits = np.zeros((len(block), len(theirs)), np.uint16)
        for word in range(block.shape[1]):
            bits += np.bitwise_count(block[:, None, word] ^ theirs[None, :, word])
        found[start : start + _ROWS] = (bits <= MOST_BITS).any(axis=1)
    return found


def _stretches(hashes: Sequence[FrameHash], found: NDArray[np.bool_]) -> tuple[Stretch, ...]:
    """Runs of matched frames; each ends where the next frame that counts begins, the last just after its own frame."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], found, [False]))))
    runs = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        stop = hashes[end].ordinal if end < len(hashes) else hashes[end - 1].ordinal + 1
        runs.append(Stretch(hashes[start].ordinal, stop))
    return tuple(runs)
