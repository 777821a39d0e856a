"""Clips of every kind through the media library: each taken in to the frame, or refused for the right reason.

What is right is told by decodes of this module's own, by the number that each picture carries, and by where the tone
was put: it shares no code with the library but the ledger's reader.
"""

from __future__ import annotations

import shutil
import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.errors import FileRejected
from ingest.ffmpeg import find_tools
from ingest.frames import Ledger
from ingest.pipeline import ingest
from ingest.profiles import Profile
from ingest.report import Report
from ingest.segmentation.plan import FixedLengthPlan, SegmentPlan
from tests.faults.outcome import Outcome
from tests.media.matrix import Case, every_case, some_cases
from tests.media.matrix_clips import LATE, TONE_AT, make

SAMPLE, MIXED = 3, 200
PROFILE = Profile(
    name="matrix",
    segments=SegmentPlan(0.5, 3, FixedLengthPlan(1), scene_cut=None, sound_event=None),
)
SOUND_SLACK = 0.06  # seconds: a packet and a coder's lead-in
# What each fault may come to; "" is to be taken in.
REASONS = {
    "cut": {"truncated"},
    "no index": {"truncated"},
    "text": {"not_media"},
    "stamps": {"", "unusable_timing"},
    "zeros": {"", "undecodable", "truncated", "unusable_timing", "not_media"},
}
DAMAGES = {"cut", "zeros"}
_TURNS = {"90": 1, "180": 2, "270": 3}


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Every case and 200 mixed ones, or three mixed ones."""
    outcome = Outcome()
    cases = some_cases(seed, SAMPLE) if sample else [*every_case(), *some_cases(seed, MIXED)]
    for number, case in enumerate(cases):
        place = folder / f"{number:04}"
        place.mkdir(parents=True)
        outcome.cases += 1
        wrong = hold(case, place, outcome)
        outcome.failures += [f"case {number} ({case.name}): {line}" for line in wrong]
        if not wrong:
            shutil.rmtree(place)
    return outcome


def hold(case: Case, place: Path, outcome: Outcome) -> list[str]:
    """Make one clip, ingest it, and return what is wrong with what came of it."""
    source, out = make(case, place), place / "out"
    allowed = REASONS.get(case.fault, {""})
    if case.fault == "cut" and case.container == "ts":
        allowed = {""}  # it declares nothing; that is said
    if case.fault == "cut" and case.container == "avi" and case.sound == "long":
        allowed = {"", "truncated"}  # the pictures lie in front of the sound's second half: none need be lost
    try:
        report = ingest(source, out, profile=PROFILE)
    except FileRejected as refused:
        outcome.count(f"refused: {refused.reason_code}")
        return (
            [] if refused.reason_code in allowed else [f"refused: {refused.reason_code}, {refused.message}"]
        )
    outcome.count("taken in")
    if "" not in allowed:
        return [f"taken in, not refused as {' or '.join(sorted(allowed))}"]
    unsaid = case.container == "ts" and not any("if its end is missing" in said for said in report.findings)
    return [*(["no word of an unknown end"] if unsaid else []), *_check(case, source, out, report)]


def _check(case: Case, source: Path, out: Path, report: Report) -> list[str]:
    ledger = Ledger.read(out / "ledger.parquet")
    wrong = []
    own, found = hashes(source), [digest.tobytes().hex() for digest in ledger.hashes]
    if [pts for pts, _ in own] != ledger.pts.tolist():
        wrong.append(f"times differ: {len(own)} frames decoded, {ledger.frame_count} in the ledger")
    elif [digest for _, digest in own] != found:
        pairs = enumerate(zip(own, found, strict=True))
        differ = {n for n, (mine, theirs) in pairs if mine[1] != theirs} - set(ledger.uncertain)
        if differ:
            wrong.append(f"{len(differ)} pictures differ from the ledger's")
    if ledger.uncertain and case.fault not in DAMAGES:
        wrong.append(f"frames {ledger.uncertain} are whole and said to be uncertain")
    turns, mirrored = _TURNS.get(case.shape, 0), case.shape == "mirror"
    shown, meant = numbers(out / "master.mp4", turns, mirrored), numbers(source)
    if shown != meant and case.fault not in DAMAGES:
        wrong.append(f"the master shows {shown}, the source {meant}")
    if case.fault in ("none", "wrong name", "offset", "empty track") and meant != list(range(len(meant))):
        wrong.append(f"the source is not what was made: {meant}")
    for name in ("master.mp4", "proxy.mp4"):
        if times(out / name) != [ledger.time_of(n) for n in range(ledger.frame_count)]:
            wrong.append(f"{name} has other times")
    for clip in report.clips:
        if numbers(out / clip.path, turns, mirrored) != shown[clip.start_frame : clip.end_frame]:
            wrong.append(f"{clip.path} shows other frames")
    return [*wrong, *_check_clips(out, report, ledger), *_check_sound(case, out)]


def _check_clips(out: Path, report: Report, ledger: Ledger) -> list[str]:
    """Each clip holds the master's pictures of its frames, which are numbered as the ledger's are."""
    wrong, master = [], [digest for _, digest in hashes(out / "master.mp4")]
    end = 0
    for clip in report.clips:
        frames = slice(clip.start_frame, clip.end_frame)
        if clip.start_frame != end:
            wrong.append(f"{clip.path} begins at {clip.start_frame}, not {end}")
        end = clip.end_frame
        if [digest for _, digest in hashes(out / clip.path)] != master[frames]:
            wrong.append(f"{clip.path} has other pictures than the master")
        start = ledger.time_of(clip.start_frame)
        if times(out / clip.path) != [
            ledger.time_of(n) - start for n in range(clip.start_frame, clip.end_frame)
        ]:
            wrong.append(f"{clip.path} has other times")
    return wrong if end == ledger.frame_count else [*wrong, f"clips end at {end} of {ledger.frame_count}"]


def _check_sound(case: Case, out: Path) -> list[str]:
    path = out / "audio.wav"
    if path.exists() == (case.sound == "none" and case.fault != "empty track"):
        return ["sound there" if path.exists() else "no sound"]
    if case.sound == "none" or case.fault in ("edit list", "zeros"):
        return []
    with wave.open(str(path)) as sound:
        samples = np.abs(np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").astype(np.float64))
    heard = float(np.argmax(samples > samples.max() / 3)) / 16_000
    meant = TONE_AT + (LATE if case.sound == "late" else 0)
    return (
        [] if abs(heard - meant) < SOUND_SLACK else [f"the tone is heard at {heard:.3f} s, not {meant:.3f}"]
    )


def _decode(source: Path, *options: str) -> bytes:
    argv = [
        find_tools().ffmpeg,
        "-nostdin",
        "-v",
        "quiet",
        "-threads",
        "1",
        "-copyts",
        "-noautorotate",
        "-i",
        source,
    ]
    shown = ("-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "demux", *options, "-")
    return subprocess.run([*argv, *shown], capture_output=True, check=True, timeout=120).stdout


def hashes(source: Path) -> list[tuple[int, str]]:
    """PTS, and MurmurHash3 in hex, of each picture that decodes."""
    told = _decode(source, "-c:v", "rawvideo", "-f", "framehash", "-hash", "murmur3")
    rows = [line.split(",") for line in told.decode().splitlines() if line[0] != "#"]
    return [(int(row[2]), row[5].strip()) for row in rows]


def numbers(source: Path, turns: int = 0, mirrored: bool = False) -> list[int]:
    """What each picture's squares say; `turns` by a quarter, counter-clockwise, and mirroring are taken back first."""
    argv = [
        find_tools().ffprobe,
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        "stream=width,height",
    ]
    done = subprocess.run(
        [*argv, "-of", "csv=p=0", source], capture_output=True, text=True, check=True, timeout=60
    )
    stored = [int(part) for part in done.stdout.split()[0].split(",")[:2]]
    width, height = (96, 160) if stored[1] > stored[0] else (160, 96)
    raw = _decode(source, "-vf", f"scale={width}:{height}:out_range=tv,format=gray", "-f", "rawvideo")
    return [
        _number(np.rot90(np.fliplr(picture) if mirrored else picture, -turns))
        for picture in np.frombuffer(raw, dtype=np.uint8).reshape(-1, height, width)
    ]


def _number(level: NDArray[np.uint8]) -> int:
    height, width = level.shape
    row = level[height // 8 - 2 : height // 8 + 2]
    squares = [row[:, (2 * bit + 1) * width // 16 - 2 :][:, :4].mean() for bit in range(8)]
    return sum(1 << bit for bit, light in enumerate(squares) if light > 118)


def times(video: Path) -> list[Fraction]:
    """Seconds of each picture of a file, in order of showing, by its packets."""
    argv = [find_tools().ffprobe, "-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"]
    entries = ("-show_entries", "packet=pts:stream=time_base")
    done = subprocess.run([*argv, *entries, video], capture_output=True, text=True, check=True, timeout=60)
    *stamps, base = done.stdout.split()
    return sorted(int(stamp.rstrip(",")) * Fraction(base) for stamp in stamps)
