"""Mutated files through the media library: always a report or a refusal, within budget, leaving nothing behind.

Each case takes a small clip and flips bits, cuts it short, or puts another file's beginning before it. What comes of
it does not matter; that it is one of the two, and nothing else happened, does.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from pathlib import Path

from ingest.errors import FileRejected
from ingest.pipeline import ingest
from ingest.profiles import Limits
from tests.faults.outcome import Outcome
from tests.faults.processes import left_after
from tests.media.synthetic import plain, sound_only, variable_rate

SAMPLE, FULL = 6, 120
LIMITS = Limits(
    base_cpu_seconds=10, cpu_seconds_per_second=10, min_output_bytes=32 << 20, memory_bytes=2 << 30
)
MOST_SECONDS = 180  # on the wall, a busy machine allowed for: a file this small that takes longer hangs
MOST_BYTES = 64 << 20


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """120 files, or 6 of them."""
    outcome, chance = Outcome(), random.Random(seed)
    clips = _clips(folder / "clips")
    room = folder / "room"
    temporary = folder / "temporary"
    temporary.mkdir()
    kept, tempfile.tempdir = tempfile.tempdir, str(temporary)
    try:
        for number in range(SAMPLE if sample else FULL):
            name, data = mutate(chance, clips)
            outcome.cases += 1
            wrong = _case(room / f"{number:04}", data, outcome)
            wrong += [f"left in the temporary directory: {path.name}" for path in temporary.iterdir()]
            outcome.failures += [f"case {number} ({name}): {line}" for line in wrong]
    finally:
        tempfile.tempdir = kept
    return outcome


def _clips(folder: Path) -> list[Path]:
    folder.mkdir()
    made = [plain(folder / f"plain.{suffix}", seconds=1) for suffix in ("mp4", "mkv", "avi", "ts", "webm")]
    return [*made, variable_rate(folder / "uneven.mp4", seconds=1), sound_only(folder / "sound.m4a")]


def mutate(chance: random.Random, clips: list[Path]) -> tuple[str, bytes]:
    """What was done to which clip, and the bytes that came of it."""
    clip, other = chance.choice(clips), chance.choice(clips)
    data = bytearray(clip.read_bytes())
    kind = chance.choice(["flip", "flip head", "cut", "splice", "fill"])
    if kind.startswith("flip"):
        reach = len(data) if kind == "flip" else min(len(data), 2048)
        for _ in range(chance.randint(1, 64)):
            data[chance.randrange(reach)] ^= 1 << chance.randrange(8)
    elif kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "splice":
        data[: chance.randrange(1, 4096)] = other.read_bytes()[: chance.randrange(1, 4096)]
    else:
        start = chance.randrange(len(data))
        data[start : start + 512] = bytes([chance.choice([0, 255])]) * len(data[start : start + 512])
    return f"{kind} of {clip.name}", bytes(data)


def _case(place: Path, data: bytes, outcome: Outcome) -> list[str]:
    place.mkdir(parents=True)
    source, out = place / "source.bin", place / "out"
    source.write_bytes(data)
    (place / "neighbour").write_bytes(b"another's footage")
    before = _outside(place, out)
    started = time.monotonic()
    wrong = _ingest(source, out, outcome)
    if (took := time.monotonic() - started) > MOST_SECONDS:
        wrong.append(f"it took {took:.0f} s")
    if _outside(place, out) != before:
        wrong.append("something beside the work directory changed")
    if (used := sum(path.stat().st_size for path in out.rglob("*") if path.is_file())) > MOST_BYTES:
        wrong.append(f"it made {used} bytes of {len(data)}")
    return wrong + [f"still runs: {line}" for line in left_after(place, 3)]


def _ingest(source: Path, out: Path, outcome: Outcome) -> list[str]:
    try:
        report = ingest(source, out, limits=LIMITS)
    except FileRejected as refused:
        outcome.count(f"refused: {refused.reason_code}")
        left = [path.name for path in out.iterdir()] if out.is_dir() else []
        wrong = [f"refused, but left {name}" for name in left]
        return wrong if refused.message.strip() else [*wrong, "refused without a word"]
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    outcome.count("taken in")
    named = [*report.renditions, *report.clips]
    return [
        f"{one.path} is not what the report says"
        for one in named
        if hashlib.sha256((out / one.path).read_bytes()).hexdigest() != one.sha256
    ] + [f"a half-done directory is left: {path.name}" for path in out.glob(".ingest-*")]


def _outside(place: Path, out: Path) -> dict[str, str]:
    files = [path for path in place.rglob("*") if path.is_file() and not path.is_relative_to(out)]
    return {
        str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)
    }
