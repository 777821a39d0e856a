"""Makes the clips that tests need: small, labelled by what is odd about them, never committed.

Every maker takes the path to write (its suffix picks the container) and returns it. Pictures are ffmpeg's test
card, whose frame counter makes each one different; sound is a sine. The range exercise is `ingest.sample`.
"""

from __future__ import annotations

import os
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from ingest.ffmpeg import find_tools

SMALL = "160x120"
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_CODECS = {".webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")}
_CODECS[".avi"] = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le")


def run_ffmpeg(*args: str) -> None:
    """Run the pinned ffmpeg on our own input; raises CalledProcessError."""
    quiet = {**os.environ, "SVT_LOG": "1"}  # the AV1 encoder has a log of its own
    subprocess.run(
        [find_tools().ffmpeg, "-nostdin", "-v", "error", "-y", *args], check=True, timeout=60, env=quiet
    )


class Frame(NamedTuple):
    """A decoded picture: its PTS and how long it is shown, in ticks of its track, and the digest of its pixels."""

    pts: int
    duration: int
    digest: str


def decoded(source: Path, start: float | None = None, *, algorithm: str = "md5") -> list[Frame]:
    """Each picture by a decode of its own, in one thread; with `start`, from the key frame at or before that second."""
    seek = ("-ss", str(start), "-noaccurate_seek", "-seek_timestamp", "1") if start else ()
    argv = [
        find_tools().ffmpeg,
        "-nostdin",
        "-v",
        "error",
        "-threads",
        "1",
        "-copyts",
        *seek,
        "-noautorotate",
    ]
    shown = ("-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "demux")
    shown += ("-f", "framehash", "-hash", algorithm, "-")
    done = subprocess.run(
        [*argv, "-i", source, *shown], capture_output=True, text=True, check=True, timeout=60
    )
    rows = [line.split(",") for line in done.stdout.splitlines() if not line.startswith("#")]
    return [Frame(int(row[2]), int(row[3]), row[5].strip()) for row in rows]


def time_base(source: Path) -> Fraction:
    """Of the picture track, as ffprobe says it."""
    argv = [
        find_tools().ffprobe,
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "stream=time_base",
    ]
    done = subprocess.run(
        [*argv, "-of", "csv=p=0", source], capture_output=True, text=True, check=True, timeout=60
    )
    return Fraction(done.stdout.split()[0])


def plain(
    path: Path,
    *,
    seconds: float = 2,
    rate: str = "25",
    size: str = SMALL,
    channels: int = 2,
    codec: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
) -> Path:
    """A constant-rate clip; `channels` 0 leaves the sound out."""
    sound = ("-f", "lavfi", "-i", f"sine=440:r=44100:d={seconds}", "-ac", str(channels)) if channels else ()
    pictures = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")
    run_ffmpeg(*pictures, *sound, *(codec or _CODECS.get(path.suffix, _H264)), *extra, str(path))
    return path


def odd_size(path: Path) -> Path:
    """161 by 121, which 4:2:0 cannot hold."""
    return plain(
        path, size="161x121", codec=("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    )


def variable_rate(path: Path, *, seconds: float = 2) -> Path:
    """Frames at uneven times, with a gap of a second after the twentieth."""
    uneven = "settb=1/1000,setpts=N*40+mod(N*7\\,5)*4+gte(N\\,20)*1000"
    timing = ("-vf", uneven, "-fps_mode", "passthrough", "-enc_time_base", "1:1000")
    return plain(path, seconds=seconds, extra=timing)


def rotated(path: Path, degrees: int, *flips: str, size: str = "160x90") -> Path:
    """Held upright: stored lying, with a display matrix of `degrees` counter-clockwise, and mirrored by `flips`."""
    lying = plain(path.with_name("lying-" + path.name), size=size, seconds=1)
    run_ffmpeg("-display_rotation", str(degrees), *flips, "-i", str(lying), "-c", "copy", str(path))
    return path


def with_personal_metadata(path: Path) -> Path:
    """Carries a place, a time, a name and a time-code track."""
    said = {
        "location": "+51.5007-000.1246/",
        "creation_time": "2024-05-06T07:08:09Z",
        "title": "PC 1234 Example",
        "comment": "serial 42",
    }
    words = [arg for key, value in said.items() for arg in ("-metadata", f"{key}={value}")]
    return plain(path, extra=("-timecode", "10:00:00:00", "-movflags", "use_metadata_tags", *words))


def sound_shifted(path: Path, seconds: float) -> Path:
    """The sound begins `seconds` after (or, negative, before) the pictures."""
    source = plain(path.with_name("level-" + path.name))
    inputs = ("-i", str(source), "-itsoffset", str(seconds), "-i", str(source))
    run_ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-c", "copy", str(path))
    return path


def sound_of_changing_layout(path: Path) -> Path:
    """MPEG-TS of two takes, 2 s each: mono, then stereo, with a tone of 0.2 s one second after each begins."""
    takes = []
    for channels, start in ((1, 0.0), (2, 2.2)):
        take = path.with_name(f"take-{channels}.ts")
        pictures = ("-f", "lavfi", "-i", f"testsrc2=s={SMALL}:r=25:d=2")
        tone = ("-f", "lavfi", "-i", "aevalsrc='0.5*sin(2*PI*880*t)*between(t,1,1.2)':s=48000:d=2")
        coding = (*_H264, "-g", "25", "-ac", str(channels), "-output_ts_offset", str(start))
        run_ffmpeg(*pictures, *tone, *coding, "-f", "mpegts", str(take))
        takes.append(take.read_bytes())
    path.write_bytes(b"".join(takes))
    return path


def sound_longer(path: Path, seconds: float) -> Path:
    """One second of pictures under `seconds` of sound."""
    pictures = ("-f", "lavfi", "-i", f"testsrc2=s={SMALL}:r=25:d=1")
    run_ffmpeg(*pictures, "-f", "lavfi", "-i", f"sine=440:d={seconds}", *_H264, str(path))
    return path


def sound_shorter(path: Path, seconds: float, *, sound: float) -> Path:
    """Pictures, ten a second, of which the sound covers the first `sound` seconds alone."""
    pictures = ("-f", "lavfi", "-i", f"testsrc2=s={SMALL}:r=10:d={seconds}")
    run_ffmpeg(*pictures, "-f", "lavfi", "-i", f"sine=440:d={sound}", *_H264, "-g", "10", str(path))
    return path


def sound_empty(path: Path) -> Path:
    """A sound track that is declared and holds nothing."""
    nothing = ("-filter_complex", "[1:a]atrim=end=0[a]", "-map", "0:v", "-map", "[a]", "-c:a", "aac")
    pictures = ("-f", "lavfi", "-i", f"testsrc2=s={SMALL}:r=25:d=1")
    run_ffmpeg(*pictures, "-f", "lavfi", "-i", "sine=440:d=1", *nothing, *_H264, str(path))
    return path


def time_standing(path: Path) -> Path:
    """Matroska whose pictures from 0.4 s on all claim that time: no muxer writes it, so the blocks' times are changed.

    A block begins with its track, its time in ms (int16) and its flags (RFC 9559, section 10.1).
    """
    data = plain(path, seconds=1, channels=0, extra=("-bf", "0")).read_bytes()
    for stamp in range(440, 1000, 40):
        data = data.replace(struct.pack(">BhB", 0x81, stamp, 0), struct.pack(">BhB", 0x81, 400, 0))
    path.write_bytes(data)
    return path


def trimmed(path: Path, start: float, *, seconds: float = 7, channels: int = 0) -> Path:
    """An MP4 trimmed without coding, as telephones do it: its edit list begins between key frames, a second apart."""
    whole = plain(
        path.with_name(f"whole-{path.name}"),
        seconds=seconds,
        rate="30",
        channels=channels,
        extra=("-g", "30"),
    )
    run_ffmpeg("-ss", str(start), "-i", str(whole), "-c", "copy", str(path))
    return path


def tiny_pictures(path: Path, count: int, rate: float) -> Path:
    """Matroska whose second picture on is one byte, `count` of them at `rate` a second: 7 bytes of the file for each.

    Clusters and simple blocks are RFC 9559's, sections 5.1.3 and 10.2; one of 16-bit times spans at most 32 s.
    """
    live = ("-live", "1", "-write_crc32", "0")  # neither a length nor an index stands at the end
    plain(path, seconds=1, channels=0, extra=live)
    together = min(20_000, int(30 * rate))
    with path.open("ab") as out:
        for first in range(0, count, together):
            start = 1000 + round(first * 1000 / rate)
            blocks = [b"\xe7\x84" + struct.pack(">I", start)]
            for number in range(first, min(count, first + together)):
                moment = 1000 + round(number * 1000 / rate) - start
                blocks.append(b"\xa3\x85\x81" + struct.pack(">hBB", moment, 0, 0))
            body = b"".join(blocks)
            out.write(b"\x1f\x43\xb6\x75" + struct.pack(">I", 0x10000000 | len(body)) + body)
    return path


def two_sizes(path: Path) -> Path:
    """Matroska of 2 s of 160 by 120 and 2 s of 320 by 240, at 25 a second: each group brings its own parameter sets."""
    parts = []
    for size in (SMALL, "320x240"):
        part = path.with_name(f"{size}.h264")
        coding = (*_H264, "-bf", "0", "-g", "25", "-x264-params", "repeat-headers=1")
        plain(part, seconds=2, size=size, channels=0, codec=coding)
        parts.append(part.read_bytes())
    joined = path.with_suffix(".h264")
    joined.write_bytes(b"".join(parts))
    run_ffmpeg("-r", "25", "-i", str(joined), "-c", "copy", str(path))
    return path


def sound_only(path: Path) -> Path:
    """No pictures at all."""
    run_ffmpeg("-f", "lavfi", "-i", "sine=440:d=1", str(path))
    return path


def many_tracks(path: Path, count: int) -> Path:
    """One picture track and `count` sound tracks."""
    source = plain(path.with_name("one-" + path.name), seconds=0.2)
    run_ffmpeg("-i", str(source), "-map", "0:v", *["-map", "0:a"] * count, "-c", "copy", str(path))
    return path


def sparse(path: Path) -> Path:
    """Four pictures that claim ten hours."""
    timing = ("-vf", "settb=1/1000,setpts=N*12000000", "-fps_mode", "passthrough", "-enc_time_base", "1:1000")
    return plain(path, seconds=0.16, channels=0, extra=timing)


def index_first(path: Path, *, seconds: float = 2) -> Path:
    """An MP4 whose index comes before its pictures: what is left of it when it is cut still says how much there was."""
    return plain(path, seconds=seconds, extra=("-movflags", "+faststart", "-g", "10"))


def cut_short(source: Path, path: Path, share: float) -> Path:
    """The first `share` of another file's bytes."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
