"""A whole ingest against the floor: the least that bare ffmpeg must do for a normalised copy; and against its rivals.

Ours makes every output (master, proxy, stream, storyboard, poster, samples, signals, sound at an even loudness,
waveform, frame ledger, digests, clips, report). Counted are CPU seconds of this process and of every tool that it ran.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.ffmpeg import DECODER_THREADS, GLOBAL, find_tools
from ingest.mux import master_graph
from ingest.pipeline import ingest
from ingest.plan import make_plan
from ingest.profiles import DEFAULT_LIMITS
from ingest.profiles import DEFAULT_PROFILE as PROFILE
from ingest.sound import code_sound
from ingest.workspace import open_workspace
from tests.bench.cpu import in_turns, own_share
from tests.bench.rows import Goal, absent, compare

SECONDS, SMALL_SECONDS, LONG_SECONDS = 10, 40, 200
RUNS = 3
UNIT = "CPU s / s of footage"
DATA = f"{SECONDS} s of 1080p30 H.264 and AAC: a drifting, grainy fractal, so that there is motion to code"

_CONFORMING = "s of 720p30 H.264 in closed groups of a second, below 8 Mbit/s"
_LEVELLED = "; its sound is measured, levelled and coded all the same"


def run() -> list[dict[str, Any]]:
    """Measures all in turns and returns the rows of `make bench`."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder = Path(name)
        source = make_source(folder / "source.mp4")
        small = make_conforming(folder / "small.mp4")
        long = looped(small, folder / "long.mp4", LONG_SECONDS // SMALL_SECONDS)
        mute = folder / "mute.mp4"
        _ffmpeg("-i", str(small), "-an", "-c", "copy", str(mute))
        works: dict[str, Callable[[], None]] = {
            "ours": lambda: _ours(source, folder / "ours"),
            "floor": lambda: bare(source, folder / "bare.mp4", ("-preset", PROFILE.preset)),
            "same": lambda: bare(source, folder / "same.mp4", _our_options()),
            "separate": lambda: separate(source, folder / "separate"),
            "copied": lambda: copied(small, folder / "copied"),
            "recoded": lambda: bare(small, folder / "recoded.mp4", _our_options()),
            "copied long": lambda: copied(long, folder / "copied-long"),
            "recoded long": lambda: bare(long, folder / "recoded-long.mp4", _our_options()),
            "copied mute": lambda: copied(mute, folder / "copied-mute"),
            "recoded mute": lambda: bare(mute, folder / "recoded-mute.mp4", _our_options()),
        }
        if importlib.util.find_spec("scenedetect"):
            works["scenedetect"] = lambda: scene_split(source, folder / "scenes")
        spent = in_turns(works, RUNS)
        own = [own_share(lambda: _ours(source, folder / "ours")) for _ in range(RUNS)]
    return _rows({name: [value / _seconds(name) for value in values] for name, values in spent.items()}, own)


def _seconds(name: str) -> int:
    """Length of the film that is worked on."""
    if "copied" not in name and "recoded" not in name:
        return SECONDS
    return LONG_SECONDS if "long" in name else SMALL_SECONDS


def _rows(spent: dict[str, list[float]], own: list[tuple[float, float]]) -> list[dict[str, Any]]:
    def row(name: str, ours: str, peer: str, peer_name: str, goal: Goal, data: str = DATA) -> dict[str, Any]:
        return compare(name, UNIT, spent[ours], spent[peer], peer_name=peer_name, goal=goal, data=data)

    detect = "PySceneDetect: detect content, split by ffmpeg"
    again = "bare ffmpeg that codes it again"
    return [
        row(
            "ingest, all outputs",
            "ours",
            "floor",
            "bare ffmpeg: decode, scale, x264 veryfast, AAC",
            Goal("≤", 1.12),
        ),
        row(
            "ingest, all outputs, like options",
            "ours",
            "same",
            "bare ffmpeg with our coding options (no B-frames, fixed key frames)",
            Goal("≤", 1.12),
        ),
        row(
            "ingest against separate passes",
            "ours",
            "separate",
            "one ffmpeg run for each output",
            Goal("≤", 0.5),
        ),
        row("ingest against scene detection", "ours", "scenedetect", detect, Goal("≤", 0.5))
        if "scenedetect" in spent
        else absent(
            "ingest against scene detection",
            UNIT,
            peer_name=detect,
            goal=Goal("≤", 0.5),
            reason="PySceneDetect is not installed",
        ),
        row(
            "conforming source, master by copy",
            "copied",
            "recoded",
            again,
            Goal("≤", 0.05),
            data=f"{SMALL_SECONDS} {_CONFORMING}{_LEVELLED}",
        ),
        row(
            "conforming source, master by copy, minutes long",
            "copied long",
            "recoded long",
            again,
            Goal("≤", 0.05),
            data=f"{LONG_SECONDS} {_CONFORMING}{_LEVELLED}",
        ),
        row(
            "conforming source, master by copy, without sound",
            "copied mute",
            "recoded mute",
            again,
            Goal("≤", 0.05),
            data=f"{SMALL_SECONDS} {_CONFORMING}, no sound",
        ),
        compare(
            "ingest, Python's own share",
            "CPU s a run",
            [mine for mine, _ in own],
            [whole for _, whole in own],
            peer_name="the whole ingest",
            goal=Goal("≤", 0.05),
            data=DATA,
        ),
    ]


def _ours(source: Path, out: Path) -> None:
    ingest(source, out)


def _our_options() -> tuple[str, ...]:
    fixed = ("-bf", "0", "-sc_threshold", "0", "-g", str(30 * PROFILE.gop_seconds))
    return ("-preset", PROFILE.preset, *fixed)


def bare(source: Path, target: Path, options: tuple[str, ...]) -> None:
    """The floor: one rendition and nothing else. Raises CalledProcessError."""
    picture = ("-vf", f"scale=-2:{PROFILE.max_short_side}", "-c:v", "libx264", *options)
    quality = ("-crf", str(PROFILE.crf), "-threads", str(PROFILE.threads), "-pix_fmt", "yuv420p")
    sound = ("-c:a", "aac", "-b:a", str(PROFILE.audio_bit_rate), "-ar", str(PROFILE.audio_rate))
    decoding = ("-threads", str(DECODER_THREADS), "-i", str(source))
    _ffmpeg(*decoding, *picture, *quality, *sound, str(target))


def separate(source: Path, folder: Path) -> None:
    """Every output by a run of its own over the source, as scripts do it."""
    folder.mkdir(exist_ok=True)
    given = ("-threads", str(DECODER_THREADS), "-i", str(source))
    bare(source, folder / "master.mp4", ("-preset", PROFILE.preset))
    proxy = (
        "-c:v",
        "libx264",
        "-preset",
        PROFILE.proxy_preset,
        "-crf",
        str(PROFILE.proxy_crf),
        "-threads",
        "1",
    )
    _ffmpeg(
        *given,
        "-vf",
        f"scale=-2:{PROFILE.proxy_short_side}",
        *proxy,
        "-c:a",
        "aac",
        str(folder / "proxy.mp4"),
    )
    stills = {"board.jpg": "fps=1,scale=160:-2,tile=10x1", "poster.jpg": "select=gte(t\\,1),scale=-2:720"}
    for name, filters in stills.items():
        _ffmpeg(*given, "-an", "-vf", filters, "-frames:v", "1", "-update", "1", str(folder / name))
    _ffmpeg(*given, "-an", "-vf", "fps=2,scale=224:224", "-f", "rawvideo", str(folder / "samples.rgb"))
    _ffmpeg(*given, "-an", "-vf", "scdet,blackdetect,freezedetect", "-f", "null", "-")
    _ffmpeg(*given, "-map", "0:v", "-f", "framemd5", str(folder / "frames.txt"))
    _ffmpeg(*given, "-vn", "-ac", "1", "-ar", "16000", str(folder / "sound.wav"))
    _ffmpeg(*given, "-vn", "-af", "ebur128=framelog=quiet,silencedetect", "-f", "null", "-")


def copied(source: Path, folder: Path) -> None:
    """The master of a source that conforms, as our steps make it: probed, its sound levelled, its pictures copied."""
    with open_workspace(source, folder, find_tools(), DEFAULT_LIMITS) as workspace:
        plan = make_plan(workspace, PROFILE)
        if not plan.copied:
            raise RuntimeError("the source does not conform")
        if plan.source.audio:
            code_sound(workspace, plan, PROFILE)
        workspace.run(workspace.compile(master_graph(workspace, plan).global_args(*GLOBAL)))


def scene_split(source: Path, folder: Path) -> None:
    """The usual tool for cutting videos, in a process of its own. Raises CalledProcessError."""
    folder.mkdir(exist_ok=True)
    ffmpeg = find_tools().ffmpeg
    link = folder / "ffmpeg"
    link.unlink(missing_ok=True)
    link.symlink_to(ffmpeg)
    command = [sys.executable, "-m", "scenedetect", "-q", "-i", str(source), "-o", str(folder)]
    command += [
        "detect-content",
        "split-video",
        "--preset",
        PROFILE.preset,
        "--rate-factor",
        str(PROFILE.crf),
    ]
    subprocess.run(
        command,
        check=True,
        timeout=600,
        env=os.environ | {"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
    )


def make_conforming(path: Path) -> Path:
    """Four times the same ten seconds, as a camera might have stored them: nothing to code again."""
    once = make_source(path.with_name(f"once-{path.name}"), size="1280x720", conforming=True)
    return looped(once, path, SMALL_SECONDS // SECONDS)


def looped(source: Path, path: Path, times: int) -> Path:
    """The same so many times over, not coded again."""
    _ffmpeg("-stream_loop", str(times - 1), "-i", str(source), "-c", "copy", str(path))
    return path


def make_source(path: Path, *, size: str = "1920x1080", conforming: bool = False) -> Path:
    """Synthetic footage with camera-like motion and grain; a flat test card would flatter whoever encodes least."""
    zooming = f"mandelbrot=size={size}:rate=30:start_scale=0.5:end_scale=0.05:end_pts=600"
    pictures = ("-f", "lavfi", "-i", f"{zooming},noise=alls=6:allf=t:all_seed=7,format=yuv420p")
    sound = ("-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:c=pink:r=48000:a=0.2:seed=7")
    coding = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac", "-b:a", "128k")
    if conforming:
        coding = (*coding, "-g", "30", "-maxrate", "6M", "-bufsize", "6M")
        coding = (*coding, "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    _ffmpeg(*pictures, *sound, "-t", str(SECONDS), *coding, str(path))
    return path


def _ffmpeg(*words: str) -> None:
    command = [str(find_tools().ffmpeg), "-nostdin", "-v", "error", "-y", *words]
    subprocess.run(command, check=True, timeout=600)
