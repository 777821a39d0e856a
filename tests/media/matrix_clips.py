"""Makes the clips of the matrix.

Every picture carries its own number, as eight squares that are black or white, and the sound a tone whose place is
known: what comes out can be held to what went in without trusting a time stamp or a hash.
"""

from __future__ import annotations

from pathlib import Path

from tests.media.matrix import CODECS, PARAMS, SOUNDS, Case
from tests.media.synthetic import run_ffmpeg

SECONDS, TONE_AT, LATE = 1.6, 0.5, 0.25
WIDTH, HEIGHT = 160, 96


def make(case: Case, folder: Path) -> Path:
    """Write the clip, with its fault, into an empty folder; return it."""
    clean = folder / f"clean.{case.container}"
    run_ffmpeg(*_inputs(case), *_pictures(case), *_sound(case), *_muxing(case), str(clean))
    if case.shape in ("90", "180", "270", "mirror"):
        turned = folder / f"turned.{case.container}"
        run_ffmpeg(
            *(("-display_hflip",) if case.shape == "mirror" else ("-display_rotation", case.shape)),
            "-i",
            str(clean),
            "-map",
            "0",
            "-c",
            "copy",
            *_muxing(case),
            str(turned),
        )
        clean = turned
    return _with_fault(case, clean, folder)


def _inputs(case: Case) -> list[str]:
    size = (
        f"{HEIGHT}x{WIDTH}"
        if case.shape == "portrait"
        else "161x97"
        if case.shape == "odd"
        else f"{WIDTH}x{HEIGHT}"
    )
    rate = "25" if case.rate == "vfr" else case.rate
    found = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={SECONDS}"]
    if case.sound != "none":
        length = {"short": SECONDS / 2, "long": 2 * SECONDS}.get(case.sound, SECONDS)
        if case.sound == "late":
            found += ["-itsoffset", str(LATE)]
        tone = f"aevalsrc='0.5*sin(2*PI*880*t)*between(t,{TONE_AT},{TONE_AT}+0.2)':s=48000:d={length}"
        found += ["-f", "lavfi", "-i", tone]
    return found


def _pictures(case: Case) -> list[str]:
    squares = [
        f"drawbox=x=iw*{bit}/8:y=0:w=iw/8:h=ih/4:t=fill:c={colour}:enable='{test}'"
        for bit in range(8)
        for colour, test in (("black", "1"), ("white", f"gt(bitand(n,{1 << bit}),0)"))
    ]
    pixels = {
        "10-bit": "yuv420p10le",
        "422": "yuv422p",
        "444": "yuv444p",
        "odd": "yuv444p",
        "hdr": "yuv420p10le",
    }
    filters = [*squares, f"format={pixels.get(case.shape, _pixels(case))}"]
    if case.shape == "full":
        filters.insert(-1, "scale=out_range=pc")
    if case.shape == "sar":
        filters.append("setsar=4/3")
    if case.shape == "interlaced":
        filters.append("setfield=tff")
    if case.rate == "vfr":
        filters.append("settb=1/1000,setpts='N*40+mod(N*7,5)*4+gte(N,20)*300'")
    coding = list(CODECS[case.codec])
    if case.shape == "hdr":
        coding[coding.index("-x265-params") + 1] += (
            ":colorprim=bt2020:colormatrix=bt2020nc:transfer=smpte2084"
        )
    options = ["-vf", ",".join(filters), "-fps_mode", "passthrough", *coding]
    if case.rate == "vfr":
        options += ["-enc_time_base", "1:1000"]
    if case.shape == "interlaced":
        options += ["-flags", "+ildct+ilme", *((PARAMS, "tff=1") if case.codec == "h264" else ())]
    if case.shape == "full":
        options += ["-color_range", "pc"]
    return options


def _pixels(case: Case) -> str:
    if case.codec == "prores":
        return "yuv422p10le"
    return "yuvj420p" if case.codec == "mjpeg" else "yuv420p"


def _sound(case: Case) -> list[str]:
    if case.sound == "none":
        return []
    maps = ["-map", "0:v", "-map", "1:a"] + (["-map", "1:a"] if case.sound == "two" else [])
    return [*maps, "-c:a", SOUNDS[case.container], "-ac", "1" if case.sound == "mono" else "2"]


def _muxing(case: Case) -> list[str]:
    options = (
        ["-movflags", "+faststart"] if case.container in ("mp4", "mov") and case.fault != "no index" else []
    )
    if case.codec == "prores" or case.codec.startswith("mjpeg") or case.codec == "h264":
        options += ["-strict", "unofficial"]
    return options


def _with_fault(case: Case, clean: Path, folder: Path) -> Path:
    data = clean.read_bytes()
    made = folder / ("source.txt" if case.fault == "wrong name" else f"source.{case.container}")
    if case.fault in ("cut", "no index"):
        made.write_bytes(data[: int(len(data) * 0.6)])
    elif case.fault == "zeros":
        middle = int(len(data) * 0.6)
        made.write_bytes(data[:middle] + bytes(300) + data[middle + 300 :])
    elif case.fault == "text":
        made.write_text("Statement of the officer, page 1. " * 500)
    elif case.fault == "offset":
        moved = ("-output_ts_offset", "7.3") if case.container != "mp4" else ("-itsoffset", "7.3")
        inputs = ("-i", str(clean)) if case.container != "mp4" else (*moved, "-i", str(clean))
        end = moved if case.container != "mp4" else ()
        run_ffmpeg(*inputs, "-map", "0", "-c", "copy", *end, *_muxing(case), str(made))
    elif case.fault == "stamps":
        swapped = "setts=pts='if(eq(N,9),PTS-3*DURATION-7,PTS)':dts=DTS"
        run_ffmpeg("-i", str(clean), "-map", "0", "-c", "copy", "-bsf:v", swapped, str(made))
    elif case.fault == "empty track":
        empty = ("-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "/dev/null")
        run_ffmpeg(
            "-i", str(clean), *empty, "-map", "0", "-map", "1:a", "-c", "copy", *_muxing(case), str(made)
        )
    elif case.fault == "subtitles":
        said = folder / "said.srt"
        said.write_text("1\n00:00:00,000 --> 00:00:01,000\nF/2.8, ISO 100\n")
        codec = {"mkv": "srt", "webm": "webvtt"}.get(case.container, "mov_text")
        maps = ("-map", "0", "-map", "1", "-c", "copy", "-c:s", codec, *_muxing(case))
        run_ffmpeg("-i", str(clean), "-i", str(said), *maps, str(made))
    elif case.fault == "edit list":
        run_ffmpeg("-ss", "0.7", "-i", str(clean), "-map", "0", "-c", "copy", *_muxing(case), str(made))
    else:
        made.write_bytes(data)
    return made
