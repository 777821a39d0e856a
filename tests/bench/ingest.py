"""A whole ingest against the floor: the least that bare ffmpeg must do for a normalised copy.

Ours makes every output (master, proxy, storyboard, poster, sound, waveform, frame ledger, digests, clips, report); the
peer only decodes, scales to 720p and encodes, with the same binary, the same encoder settings and as many threads.
Counted are CPU seconds of this process and of every tool that it ran.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.ffmpeg import find_tools
from ingest.pipeline import ingest
from ingest.profiles import DEFAULT_PROFILE as PROFILE
from tests.bench.rows import Goal, compare

SECONDS = 10
RUNS = 3
PEER = "bare ffmpeg: decode, scale, x264, AAC"


def run() -> list[dict[str, Any]]:
    """Measures both in turns and returns the row of `make bench`."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder = Path(name)
        source = make_source(folder / "source.mp4")

        def ours() -> None:
            ingest(source, folder / "ours")

        def peer() -> None:
            bare(source, folder / "bare.mp4")

        ours()
        peer()  # both once unmeasured: imports, page cache
        pairs = [(cpu_seconds(ours), cpu_seconds(peer)) for _ in range(RUNS)]
    row = compare(
        "ingest, all outputs",
        "CPU s / s of footage",
        [pair[0] / SECONDS for pair in pairs],
        [pair[1] / SECONDS for pair in pairs],
        peer_name=PEER,
        goal=Goal("≤", 1.12),
        data=f"{SECONDS} s of 1080p30 H.264 and AAC: a drifting, grainy fractal, so that there is motion to code",
    )
    return [row]


def cpu_seconds(work: Callable[[], None]) -> float:
    """User and system seconds that `work` cost this process and the children it waited for."""
    before = _spent()
    work()
    return _spent() - before


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def bare(source: Path, target: Path) -> None:
    """The peer: one rendition and nothing else. Raises CalledProcessError."""
    picture = ("-vf", f"scale=-2:{PROFILE.max_short_side}", "-c:v", "libx264", "-preset", PROFILE.preset)
    quality = ("-crf", str(PROFILE.crf), "-threads", str(PROFILE.threads), "-pix_fmt", "yuv420p")
    sound = ("-c:a", "aac", "-b:a", str(PROFILE.audio_bit_rate), "-ar", str(PROFILE.audio_rate))
    decoding = ("-threads", str(PROFILE.decoder_threads), "-i", str(source))
    _ffmpeg(*decoding, *picture, *quality, *sound, str(target))


def make_source(path: Path) -> Path:
    """Synthetic footage with camera-like motion and grain; a flat test card would flatter whoever encodes least."""
    zooming = "mandelbrot=size=1920x1080:rate=30:start_scale=0.5:end_scale=0.05:end_pts=600"
    pictures = ("-f", "lavfi", "-i", f"{zooming},noise=alls=6:allf=t:all_seed=7,format=yuv420p")
    sound = ("-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:c=pink:r=48000:a=0.2:seed=7")
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac", "-b:a", "128k")
    _ffmpeg(*pictures, *sound, "-t", str(SECONDS), *coding, str(path))
    return path


def _ffmpeg(*words: str) -> None:
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-y", *words]
    subprocess.run(command, check=True, timeout=600)
