"""Copies the packets of several files into one, and holds what came of it to the pictures of the parts.

FFmpeg's concat demuxer counts in microseconds, and a tick of 1/90,000 s is no whole number of them; what it puts a
tick beside its place is put right, by packet number, in a second copy.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.chapters import Chapter
from ingest.errors import FileRejected
from ingest.ffmpeg import input_options
from ingest.framehash import read_framehash
from ingest.frames import Ledger, make_ledger
from ingest.packets import Packets, read_packets
from ingest.whitelist import FORMATS
from ingest.workspace import Workspace

log = logging.getLogger(__name__)
JOINED_NAME = "joined.mov"
_SCRIPT_NAME, _HASHES_NAME = "parts.ffconcat", "parts.txt"


@dataclass(frozen=True, slots=True)
class Examined:
    """A part that was probed by itself, with the ledger of its own pictures and the indices of its `gpmd` tracks."""

    path: Path
    chapter: Chapter
    ledger: Ledger
    telemetry: tuple[int, ...]


def hash_pictures(workspace: Workspace, name: str, stream: str, packets: Packets, seconds: float) -> Ledger:
    """Decode one picture track of a file in the job directory. Raises FileRejected."""
    argv = [*_ffmpeg(workspace), "-copyts", "-noautorotate", *_given(workspace), "-i", f"file:{name}"]
    argv += ["-map", f"0:{stream}", "-fps_mode", "passthrough", "-enc_time_base", "demux", "-c:v", "rawvideo"]
    argv += ["-noautoscale"]  # as `ingest.graph.hashed`
    done = workspace.run([*argv, "-f", "framehash", "-hash", "murmur3", _HASHES_NAME], media_seconds=seconds)
    if done.status != 0:
        raise FileRejected("undecodable", "The pictures cannot be decoded.")
    return make_ledger([read_framehash(workspace.path / _HASHES_NAME)], packets)


def _ffmpeg(workspace: Workspace) -> list[str]:
    return [str(workspace.tools.ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y"]


def _given(workspace: Workspace, *more: str) -> list[str]:
    options = input_options(workspace.limits)
    if more:  # our own script, over files that were each opened without this
        options["format_whitelist"] = ",".join((*more, FORMATS))
    return [arg for name, value in options.items() for arg in (f"-{name}", str(value))]


def part_name(place: int) -> str:
    """What a part is called in the job directory."""
    return f"part{place:04}"


def join_exactly(workspace: Workspace, parts: list[Examined]) -> None:
    """Write the joined file into the job directory, where the parts are linked by `part_name`. Raises FileRejected."""
    expected = _expected_pts([one.ledger for one in parts])
    base = parts[0].ledger.time_base
    _write_script(workspace, parts)
    _copy(workspace, parts, "")
    if shift := _corrections(workspace, parts):
        _copy(workspace, parts, shift)
    seconds = sum(one.chapter.probe.duration for one in parts)
    joined = hash_pictures(
        workspace, JOINED_NAME, "v:0", read_packets(workspace, JOINED_NAME, "v:0"), seconds
    )
    hashes = np.concatenate([one.ledger.hashes for one in parts])
    if len(joined.hashes) != len(hashes):
        raise inexact(f"{len(joined.hashes)} of {len(hashes)} pictures came through")
    if len(other := np.flatnonzero((joined.hashes != hashes).any(axis=1))):
        raise inexact(f"picture {other[0]} came out otherwise")
    times = (joined.pts - joined.pts[0]) * joined.time_base.numerator * base.denominator
    if not np.array_equal(times, expected * base.numerator * joined.time_base.denominator):
        raise inexact("times would move")


def _expected_pts(ledgers: list[Ledger]) -> NDArray[np.int64]:
    """Time stamps of all frames from zero: each part begins where the last frame of the one before ends."""
    stamps, start = [], 0
    for ledger in ledgers:
        stamps.append(ledger.pts - ledger.pts[0] + start)
        start += ledger.end_pts - int(ledger.pts[0])
    return np.concatenate(stamps)


def _write_script(workspace: Workspace, parts: list[Examined]) -> None:
    """Our script, of names that we chose. Ends are rounded as a whole, so that errors do not add up."""
    lines, end, said = ["ffconcat version 1.0"], Fraction(0), 0
    for place, one in enumerate(parts):
        end += one.ledger.time_of(one.ledger.frame_count)
        microseconds = round(end * 1_000_000)
        seconds, rest = divmod(microseconds - said, 1_000_000)
        lines += [f"file {part_name(place)}", f"duration {seconds}.{rest:06}"]
        said = microseconds
    (workspace.path / _SCRIPT_NAME).write_text("\n".join(lines) + "\n")


def _copy(workspace: Workspace, parts: list[Examined], shift: str) -> None:
    """Copy packets of pictures, sound and GoPro's telemetry. A time-code track cannot be copied: it is written anew
    from its tag, which comes with the first part's others."""
    facts = parts[0].chapter.probe
    maps = ["-map", f"0:{facts.video.index}", *(("-map", f"0:{facts.audio.index}") if facts.audio else ())]
    maps += [arg for index in parts[0].telemetry for arg in ("-map", f"0:{index}")]
    argv = [*_ffmpeg(workspace), *_given(workspace, "concat"), "-i", f"file:{_SCRIPT_NAME}"]
    argv += [*_given(workspace), "-i", f"file:{part_name(0)}", *maps, "-c", "copy", "-copy_unknown"]
    argv += [
        "-map_metadata",
        "1",
        "-map_metadata:s:v",
        f"1:s:{facts.video.index}",
        "-movflags",
        "use_metadata_tags",
    ]
    argv += ["-video_track_timescale", str(facts.video.time_base.denominator), "-fflags", "+bitexact"]
    if shift:
        argv += ["-bsf:v", f"setts=ts={shift}"]
    seconds = sum(one.chapter.probe.duration for one in parts)
    done = workspace.run([*argv, "-f", "mov", JOINED_NAME], media_seconds=seconds)
    if done.status != 0:
        log.warning("parts cannot be joined: status %d, %r", done.status, done.stderr[-500:])
        raise inexact("a QuickTime file cannot hold their tracks")


def _corrections(workspace: Workspace, parts: list[Examined]) -> str:
    """What to add to the time stamps of each part's packets, as an expression of `setts`; empty for nothing."""
    made = read_packets(workspace, JOINED_NAME, "v:0")
    counts = [len(one.chapter.probe.packets.pts) for one in parts]
    if len(made.pts) != sum(counts):
        raise inexact(f"{len(made.pts)} of {sum(counts)} pictures came through")
    base, terms, added = parts[0].ledger.time_base, [], 0
    start = shown = stored = 0
    for one, count in zip(parts, counts, strict=True):
        move = round(start * base / made.time_base) - int(made.pts[shown] - made.pts[0])
        if move != added:
            terms.append(f"+gte(N\\,{stored})*({move - added})")
        added = move
        start += one.ledger.end_pts - int(one.ledger.pts[0])
        shown, stored = shown + count, stored + one.chapter.probe.packets.total
    return "TS" + "".join(terms) if terms else ""


def inexact(why: str) -> FileRejected:
    """The refusal of parts that copying would change."""
    return FileRejected(
        "not_one_recording", f"The parts cannot be joined without change: {why}. Ingest them one by one."
    )
