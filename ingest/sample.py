"""Makes the sample recording of a range exercise: for demonstrations where no footage is at hand.

SYNTHETIC: no camera, no firearm and no person was involved, and the picture says so. It has what breaks naive
pipelines: an odd size, a variable frame rate with a gap, a moving first-person view, loud short sounds.
Use: python -m ingest.sample OUT.mp4 [--seconds 24]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import wave
from dataclasses import asdict, dataclass
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ingest.errors import IngestError, MachineFault
from ingest.ffmpeg import Tools, find_tools, run
from ingest.policy import Policy

WIDTH, HEIGHT = 427, 241
_DRAWN_WIDTH, _DRAWN_HEIGHT, _HORIZON = 214, 121, 46
_SOUND_RATE = 48_000
_TICKS, _TICKS_PER_FRAME = 1000, 40
_GAP_FRAME, _GAP_TICKS = 100, 130
_FLASH_SECONDS = 0.06
_SEED = 1993


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """What is known of a sample because it was made: `shots` and `burst` are onsets in seconds."""

    synthetic: bool
    frames: int
    seconds: float
    shots: tuple[float, ...]
    burst: tuple[float, ...]


def frame_time(number: int) -> float:
    """Seconds at which frame `number` is shown: about 25 frames/s, unevenly, with one gap."""
    return _ticks(number) / _TICKS


def _ticks(number: int) -> int:
    return number * _TICKS_PER_FRAME + number * 7 % 5 * 4 + (_GAP_TICKS if number >= _GAP_FRAME else 0)


def write_sample(target: Path, seconds: float = 24.0, tools: Tools | None = None) -> SampleFacts:
    """Write the sample as H.264 and AAC in MP4, the same bytes each time. Raises MachineFault."""
    chosen = tools or find_tools()
    facts = _plan(seconds)
    with tempfile.TemporaryDirectory(prefix="sample-") as folder:
        job_dir = Path(folder).resolve()
        _write_pictures(job_dir / "pictures.rgb", facts)
        _write_sound(job_dir / "sound.wav", facts)
        policy = Policy((), (str(job_dir),), cpu_seconds=600, file_bytes=4 << 30, memory_bytes=8 << 30)
        argv = [str(a) for a in ffmpeg.compile(_graph(facts), cmd=str(chosen.ffmpeg), overwrite_output=True)]
        done = run(argv, job_dir=job_dir, policy=policy, timeout=600)
        if done.status != 0:
            raise MachineFault(f"the sample could not be encoded: {done.stderr}")
        shutil.move(job_dir / "sample.mp4", target)
    return facts


def _plan(seconds: float) -> SampleFacts:
    frames = max(2, sum(frame_time(n) < seconds for n in range(int(seconds * 25) + 1)))
    shots = tuple(round(t, 3) for t in np.arange(2.2, seconds - 1, 3.4).tolist())
    start = 0.75 * seconds
    burst = tuple(round(start + 0.09 * n, 3) for n in range(8)) if seconds >= 8 else ()
    return SampleFacts(
        True, frames, frame_time(frames), tuple(s for s in shots if abs(s - start) > 1.5), burst
    )


def _graph(facts: SampleFacts) -> ffmpeg.nodes.OutputStream:
    size = f"{_DRAWN_WIDTH}x{_DRAWN_HEIGHT}"
    pictures = ffmpeg.input("file:pictures.rgb", f="rawvideo", pix_fmt="rgb24", s=size, r=25)
    uneven = f"N*{_TICKS_PER_FRAME}+mod(N*7,5)*4+gte(N,{_GAP_FRAME})*{_GAP_TICKS}"
    moving = (
        pictures.filter("scale", WIDTH, HEIGHT, flags="bicubic")
        .filter("noise", alls=5, allf="t", all_seed=_SEED)
        .filter("format", "yuv444p")  # 4:2:0 has no odd sizes
        .filter("settb", f"1/{_TICKS}")
        .filter("setpts", uneven)
    )
    options = {
        "c:v": "libx264",
        "c:a": "aac",
        "fps_mode": "passthrough",
        "enc_time_base": f"1:{_TICKS}",
        "threads": 1,
    }
    clean = {"fflags": "+bitexact", "flags": "+bitexact", "t": f"{facts.seconds:.3f}"}
    quality = {"crf": 24, "preset": "veryfast", "b:a": 128_000}
    said = {"metadata": "title=SYNTHETIC range exercise, generated"}
    sound = ffmpeg.input("file:sound.wav")
    return ffmpeg.output(moving, sound, "sample.mp4", **options, **clean, **quality, **said).global_args(
        "-nostdin", "-hide_banner", "-v", "error"
    )


def _write_pictures(target: Path, facts: SampleFacts) -> None:
    with target.open("wb") as stream:
        for number in range(facts.frames):
            stream.write(_picture(frame_time(number), facts).tobytes())


def _picture(time: float, facts: SampleFacts) -> NDArray[np.uint8]:
    """One view from the walker's eyes: ground and berm, targets coming nearer, a flash at each shot. (121, 214, 3)."""
    sway, bob = 9.0 * np.sin(time * 0.9), 2.5 * np.sin(time * 7.5)
    horizon = round(_HORIZON + bob)
    rows, columns = np.mgrid[0:_DRAWN_HEIGHT, 0:_DRAWN_WIDTH]
    depth = 60.0 / np.maximum(rows - horizon, 0.6)
    across = (columns - _DRAWN_WIDTH / 2 - sway) * depth / 60
    tiles = (np.floor(across / 1.5) + np.floor((depth + 1.4 * time) / 1.5)) % 2
    ground = np.stack([96 + 26 * tiles, 88 + 22 * tiles, 66 + 18 * tiles], axis=-1)
    sky = np.stack([150 - rows, 170 - rows, 190 - rows * 0.6], axis=-1)
    picture = np.where((rows > horizon)[..., None], ground, sky)
    picture[(rows > horizon - 9) & (rows <= horizon)] = (86, 72, 50)
    canvas = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    _draw_targets(canvas, time, sway, horizon)
    drawn = np.asarray(canvas).astype(np.float64)
    since = min((time - s for s in (*facts.shots, *facts.burst) if time - s >= 0), default=1.0)
    if since < _FLASH_SECONDS:
        distance = np.hypot(rows - 84.0, columns - _DRAWN_WIDTH / 2)
        drawn += (240 * np.exp(-((distance / 26) ** 2)))[..., None] * np.array([1.0, 0.85, 0.5])
    return np.clip(drawn, 0, 255).astype(np.uint8)


def _draw_targets(canvas: Image.Image, time: float, sway: float, horizon: int) -> None:
    pen = ImageDraw.Draw(canvas)
    for lane in (-2, 0, 2):
        depth = 5 + (11 + 3 * lane - 1.4 * time) % 14
        scale = 60 / depth
        x, y = _DRAWN_WIDTH / 2 + sway + lane * scale, horizon + scale
        pen.rectangle((x - 0.3 * scale, y - 1.6 * scale, x + 0.3 * scale, y), fill=(182, 160, 120))
        pen.ellipse((x - 0.15 * scale, y - 1.3 * scale, x + 0.15 * scale, y - scale), fill=(40, 40, 40))
    pen.polygon([(98, 121), (103, 88), (111, 88), (118, 121)], fill=(32, 32, 36))
    pen.rectangle((2, 2, 98, 14), fill=(0, 0, 0))
    pen.text((5, 3), f"SYNTHETIC {time:5.2f}s", fill=(255, 255, 255))


def _write_sound(target: Path, facts: SampleFacts) -> None:
    """Wind, steps, and shots: a blast of noise with a low thump and two echoes, dying in a fifth of a second."""
    random = np.random.default_rng(_SEED)
    count = int(facts.seconds * _SOUND_RATE)
    time = np.arange(count) / _SOUND_RATE
    wind = np.convolve(random.normal(0, 1, count), np.ones(64) / 64, mode="same")
    sound = 0.05 * wind * (1 + 0.5 * np.sin(2 * np.pi * 0.2 * time))
    sound += 0.05 * random.normal(0, 1, count) * np.exp(-30 * (time % 0.6))
    length = int(0.2 * _SOUND_RATE)
    decay = np.arange(length) / _SOUND_RATE
    for onset in (*facts.shots, *facts.burst):
        blast = random.normal(0, 1, length) * np.exp(-decay / 0.02) + np.sin(2 * np.pi * 90 * decay) * np.exp(
            -decay / 0.05
        )
        for delay, gain in ((0.0, 0.8), (0.17, 0.18), (0.31, 0.09)):
            start = int((onset + delay) * _SOUND_RATE)
            room = max(0, min(length, count - start))
            sound[start : start + room] += gain * blast[:room]
    samples = np.clip(sound * 32767, -32768, 32767).astype("<i2")
    with wave.open(str(target), "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(_SOUND_RATE)
        stream.writeframes(samples.tobytes())


def main(argv: list[str] | None = None) -> int:
    """Run the command; prints what the sample holds as JSON; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ingest.sample",
        description="Write a SYNTHETIC recording of a range exercise.",
        epilog="example: python -m ingest.sample range.mp4 --seconds 24",
    )
    parser.add_argument("out", type=Path, help="the file to write, an MP4")
    parser.add_argument("--seconds", type=float, default=24.0, help="its length (default 24)")
    args = parser.parse_args(argv)
    try:
        facts = write_sample(args.out, args.seconds)
    except (IngestError, OSError) as error:
        sys.stderr.write(f"sample: {' '.join(str(error).split())}\n")
        return 2
    sys.stdout.write(json.dumps({"path": str(args.out), **asdict(facts)}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
