"""How an ingest grows: two workers against one, two hours against ten seconds, frames of the ledger a CPU second.

Workers share a folder of kept steps, as machines share the store, and nothing else; each is a process that does every
second step. The process that joins is not counted: it is the same either way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ingest.ffmpeg import find_tools
from ingest.framehash import read_framehash
from ingest.frames import make_ledger
from ingest.packets import Packets
from tests.bench.cpu import cpu_seconds
from tests.bench.rows import Goal, compare

MINUTES, RUNS, HOURS = 10, 2, 2
FRAMES = 200_000
# One worker of a bench: its number, how many there are, the source and the folder of kept steps.
_WORKER = """
import sys
from pathlib import Path
from ingest.ffmpeg import find_tools
from ingest.hashes import sha256_of
from ingest.kept import KeptFolder
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE
from ingest.steps import Work, do_plan, do_step, step_names
from ingest.workspace import open_workspace
number, count, source, kept = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
with open_workspace(source, kept.with_name(f"worker-{number}"), find_tools(), DEFAULT_LIMITS) as workspace:
    work = Work(workspace, sha256_of(source), DEFAULT_PROFILE, KeptFolder(kept))
    plan = do_plan(work)
    for name in step_names(plan)[number::count]:
        do_step(work, plan, name)
"""
# An ingest in a process of its own, which says what memory it took itself, without its tools.
_MEASURED = """
import json, resource, sys
from ingest.__main__ import main
status = main(sys.argv[1:])
print(json.dumps([status, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]), file=sys.stderr)
"""


def run() -> list[dict[str, Any]]:
    """Measures all and returns the rows of `make bench`."""
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        folder = Path(name)
        return [*_workers(folder), _memory(folder), _ledger(folder)]


def _workers(folder: Path) -> list[dict[str, Any]]:
    source = _film(folder / "long.mp4", MINUTES * 60, "320x180")
    taken = [(_shared(folder, source, 2), _shared(folder, source, 1)) for _ in range(RUNS)]
    data = f"{MINUTES} min of 320x180 at 25 frames/s, in chunks of a minute; synthetic test card with grain"
    shared: dict[str, Any] = {"peer_name": "one worker", "data": data}
    cpu, wall = ([[side[at] / MINUTES for side in pair] for pair in taken] for at in (0, 1))
    return [
        compare(
            "two workers, one recording: CPU",
            "CPU s / min of footage",
            [pair[0] for pair in cpu],
            [pair[1] for pair in cpu],
            goal=Goal("≤", 1.1),
            **shared,
        ),
        compare(
            "two workers, one recording: wall",
            "s / min of footage",
            [pair[0] for pair in wall],
            [pair[1] for pair in wall],
            goal=Goal("≤", 1.0),
            **shared,
        ),
    ]


def _shared(folder: Path, source: Path, count: int) -> tuple[float, float]:
    """CPU and wall seconds in which `count` workers do every step of the source from nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as name:

        def work() -> None:
            commands = [
                [sys.executable, "-c", _WORKER, str(n), str(count), str(source), f"{name}/kept"]
                for n in range(count)
            ]
            processes = [subprocess.Popen(command) for command in commands]
            if any(process.wait(3600) for process in processes):
                raise RuntimeError("a worker failed")

        started = time.perf_counter()
        return cpu_seconds(work), time.perf_counter() - started


def _memory(folder: Path) -> dict[str, Any]:
    long = _peak(_film(folder / "hours.mp4", HOURS * 3600, "64x36"), folder / "hours")
    short = _peak(_film(folder / "seconds.mp4", 10, "64x36"), folder / "seconds")
    return compare(
        "ingest, memory of the Python process",
        "MB above 10 s of footage",
        [max(0.0, long - short)],
        [short],
        peer_name="10 s of footage (MB in all)",
        goal=Goal("≤", 50, "MB"),
        data=f"{HOURS} h against 10 s of 64x36 at 25 frames/s, with sound",
    )


def _peak(source: Path, out: Path) -> float:
    command = [sys.executable, "-c", _MEASURED, str(source), "--out", str(out), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=True)
    status, megabytes = json.loads(done.stderr.strip().splitlines()[-1])
    if status != 0:
        raise RuntimeError(done.stderr)
    return float(megabytes)


def _ledger(folder: Path) -> dict[str, Any]:
    """Reading ffmpeg's hashes, joining them to the ledger and writing it."""
    rows = "".join(f"0, {n * 512:10}, {n * 512:10}, 512, 3110400, {n:032x}\n" for n in range(FRAMES))
    (folder / "frames.txt").write_text("#tb 0: 1/15360\n" + rows)
    pts = np.arange(FRAMES, dtype=np.int64) * 512
    key = np.zeros(FRAMES, dtype=np.bool_)
    packets = Packets(FRAMES, Fraction(1, 15_360), pts, key, key)

    def ledger() -> None:
        make_ledger([read_framehash(folder / "frames.txt")], packets).write(folder / "ledger.parquet")

    def plain() -> None:
        (folder / "frames.txt").read_bytes()

    ours = _per_second(ledger)
    return compare(
        "ledger",
        "frames / CPU s",
        ours,
        _per_second(plain),
        peer_name="reading the same text from disk",
        goal=Goal("≥", 20_000, "frames / CPU s"),
        data=f"{FRAMES} frames of ffmpeg's framehash text",
    )


def _per_second(work: Callable[[], None]) -> list[float]:
    work()
    return [FRAMES / max(1e-6, cpu_seconds(work)) for _ in range(3)]


def _film(path: Path, seconds: int, size: str) -> Path:
    """A test card with grain and a tone; a key frame every two seconds, as cameras write them."""
    pictures = f"testsrc2=size={size}:rate=25:duration={seconds},noise=alls=6:allf=t:all_seed=3"
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", pictures]
    command += ["-f", "lavfi", "-i", f"sine=440:sample_rate=48000:duration={seconds}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, str(path)], check=True, timeout=3600)
    return path
