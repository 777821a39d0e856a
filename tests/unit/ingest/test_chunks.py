"""Cutting a recording into chunks: at safe key frames only, and without a trace in what comes out."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.chunks import cut_chunks
from ingest.errors import MachineFault
from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.join import join_fragments
from ingest.kept import KeptFolder
from ingest.packets import Packets
from ingest.pipeline import ingest
from ingest.plan import Plan, make_plan
from ingest.profiles import DEFAULT_LIMITS, Profile
from ingest.sample import SampleFacts
from ingest.segmentation.plan import DEFAULT_PLAN
from ingest.steps import Work, do_plan, do_step, step_names
from ingest.workspace import Workspace, open_workspace
from tests.media import synthetic

CHUNKED = Profile(name="chunked", chunk_seconds=2, chunk_slack=1, segments=DEFAULT_PLAN.with_length(3))
CLOSED = ("-g", "20", "-bf", "2")
MAKERS: dict[str, Callable[[Path], Path]] = {
    "closed.mp4": lambda p: synthetic.plain(p, seconds=7, extra=CLOSED),
    "ntsc.mkv": lambda p: synthetic.plain(p, seconds=7, rate="30000/1001", extra=CLOSED),
    "uneven.mp4": lambda p: synthetic.variable_rate(p, seconds=7),
    "shifted.mkv": lambda p: synthetic.sound_shifted(p, 0.5),
    "one.ts": lambda p: synthetic.plain(p, seconds=7, extra=CLOSED),
}


def decoded(path: Path) -> list[tuple[int, str]]:
    """(PTS, hash) of every picture that a plain decode from the start gives."""
    return [(frame.pts, frame.digest) for frame in synthetic.decoded(path, algorithm="murmur3")]


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "report.json"]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("name", MAKERS)
def test_chunks_leave_no_trace_in_ledger_and_times(
    tmp_path: Path, tools: Tools, packets_of: Callable[[Path], Packets], name: str
) -> None:
    source = MAKERS[name](tmp_path / name)
    out = tmp_path / "out"
    report = ingest(source, out, profile=CHUNKED)
    ledger = Ledger.read(out / "ledger.parquet")
    assert list(zip(ledger.pts.tolist(), [h.tobytes().hex() for h in ledger.hashes], strict=True)) == decoded(
        source
    )
    for rendition in ("master.mp4", "proxy.mp4"):
        made = packets_of(out / rendition)
        times = [int(p) * made.time_base for p in made.pts]
        assert times == [ledger.time_of(n) for n in range(ledger.frame_count)]
    chunks = report.recipes[0].parameters["chunks"]
    assert len(chunks) == (1 if name in ("one.ts", "shifted.mkv") else len(chunks))
    if name == "closed.mp4":
        assert len(chunks) == 3
        assert sum(chunk["frames"] for chunk in chunks) == ledger.frame_count == 175


def test_a_recording_trimmed_between_key_frames_begins_at_its_first_picture(tmp_path: Path) -> None:
    """The key frame before the trim is not shown, and everything after it can be decoded all the same."""
    source = synthetic.trimmed(tmp_path / "trimmed.mp4", 0.5)
    whole = ingest(source, tmp_path / "whole", profile=replace(CHUNKED, chunk_seconds=60))
    report = ingest(source, tmp_path / "chunked", profile=CHUNKED)
    chunks = report.recipes[0].parameters["chunks"]
    counts = [chunk["frames"] for chunk in chunks]
    assert len(chunks) >= 2
    assert report.source.frame_count == whole.source.frame_count == sum(counts) == 195
    assert [chunk["first"] for chunk in chunks] == np.cumsum([0, *counts[:-1]]).tolist()
    for name in ("samples.parquet", "fingerprint.parquet"):
        apart, at_once = (pq.read_table(tmp_path / run / name) for run in ("chunked", "whole"))
        assert apart.equals(at_once)


def test_coded_pictures_are_those_of_the_source(tmp_path: Path, tools: Tools) -> None:
    """Frame n of the master shows frame n of the source, at every seam too."""
    source = synthetic.plain(tmp_path / "a.mp4", seconds=7, extra=CLOSED)
    ingest(source, tmp_path / "out", profile=CHUNKED)
    argv = [tools.ffmpeg, "-v", "error", "-i", source, "-i", tmp_path / "out" / "master.mp4"]
    argv += ["-lavfi", "[0:v][1:v]psnr=stats_file=-", "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    quality = [float(line.split("psnr_avg:")[1].split()[0]) for line in said.splitlines()]
    assert len(quality) == 175
    assert min(quality) > 30


def test_the_bytes_do_not_depend_on_who_did_the_steps(tmp_path: Path, tools: Tools) -> None:
    """Two workers do the chunks in turns and backwards; a third joins them; one run alone gives the same bytes."""
    source = synthetic.plain(tmp_path / "a.mp4", seconds=7, extra=CLOSED)
    alone = ingest(source, tmp_path / "alone", profile=CHUNKED)
    kept = KeptFolder(tmp_path / "kept")
    for worker in (0, 1):
        with open_workspace(source, tmp_path / f"worker-{worker}", tools, DEFAULT_LIMITS) as workspace:
            work = Work(workspace, alone.source.sha256, CHUNKED, kept)
            plan = do_plan(work)
            for name in step_names(plan)[::-1][worker::2]:
                do_step(work, plan, name)
    before = digests(tmp_path / "kept")
    together = ingest(source, tmp_path / "together", profile=CHUNKED, store=kept)
    assert digests(tmp_path / "kept") == before, "a step that was kept was done again"
    assert digests(tmp_path / "alone") == digests(tmp_path / "together")
    assert together == alone


def test_a_step_is_kept_for_one_source_and_one_profile(tmp_path: Path, tools: Tools) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=0.5)
    kept = KeptFolder(tmp_path / "kept")
    with open_workspace(source, tmp_path / "work", tools, DEFAULT_LIMITS) as workspace:
        work = Work(workspace, "0" * 64, CHUNKED, kept)
        keys = {
            work.step("sound").key,
            work.step("plan").key,
            replace(work, sha256="1" * 64).step("plan").key,
        }
        other = replace(work, profile=replace(CHUNKED, crf=24))
        assert len(keys | {other.step("plan").key}) == 4
        do_plan(work)
    assert [path.name for path in kept.path.iterdir()] == [work.step("plan").key]


def test_a_plan_is_written_and_read_whole(
    tmp_path: Path, open_on: Callable[[Path], Workspace], exercise: tuple[Path, SampleFacts]
) -> None:
    plan = make_plan(open_on(exercise[0]), CHUNKED)
    plan.write(tmp_path)
    read = Plan.read(tmp_path)
    assert (read.source, read.measured, read.chunks, read.copied) == (
        plan.source,
        plan.measured,
        plan.chunks,
        plan.copied,
    )
    for name in ("pts", "key", "clean"):
        assert np.array_equal(getattr(read.source.packets, name), getattr(plan.source.packets, name))


@given(st.lists(st.integers(5, 60), min_size=3, max_size=400), st.data())
def test_cuts_are_at_clean_key_frames_and_cover_every_frame_once(
    gaps: list[int], data: st.DataObject
) -> None:
    pts = np.cumsum([0, *gaps]).astype(np.int64)
    clean = np.array(data.draw(st.lists(st.booleans(), min_size=len(pts), max_size=len(pts))))
    clean[0] = True
    packets = Packets(len(pts), Fraction(1, 1000), pts, clean, clean)
    chunks = cut_chunks(packets, "mov", CHUNKED)
    assert sum(chunk.frames for chunk in chunks) == len(pts)
    assert [chunk.start_pts for chunk in chunks[1:]] == [chunk.end_pts for chunk in chunks[:-1]]
    assert chunks[-1].end_pts is None
    assert all(clean[np.searchsorted(pts, chunk.start_pts)] for chunk in chunks)
    assert cut_chunks(packets, "mpegts", CHUNKED) == (replace(chunks[0], end_pts=None, frames=len(pts)),), (
        "a container that cannot be sought in is not cut"
    )


def test_fragments_of_another_coding_do_not_join(tmp_path: Path) -> None:
    def box(kind: bytes, body: bytes) -> bytes:
        return (8 + len(body)).to_bytes(4, "big") + kind + body

    parts = []
    for number, header in enumerate((b"one", b"one", b"two")):
        parts.append(tmp_path / f"{number}")
        parts[-1].write_bytes(box(b"moov", header) + box(b"moof", b"%d" % number) + box(b"mdat", b"x"))
    join_fragments(parts[:2], tmp_path / "whole")
    joined = (tmp_path / "whole").read_bytes()
    assert joined == parts[0].read_bytes() + parts[1].read_bytes()[len(box(b"moov", b"one")) :]
    with pytest.raises(MachineFault, match="coded unlike"):
        join_fragments(parts, tmp_path / "whole")
    parts[0].write_bytes(box(b"moov", b"one"))
    with pytest.raises(MachineFault, match="without fragments"):
        join_fragments(parts[:1], tmp_path / "whole")


def test_a_chunk_in_which_no_tile_falls_due_is_coded_all_the_same(tmp_path: Path) -> None:
    """Hours of footage have a tile less often than a chunk begins."""
    source = synthetic.plain(tmp_path / "a.mp4", seconds=7, extra=CLOSED)
    report = ingest(source, tmp_path / "out", profile=replace(CHUNKED, storyboard_tiles=1))
    assert len(report.recipes[0].parameters["chunks"]) == 3
    assert (tmp_path / "out" / "storyboard.vtt").read_text().count("-->") == 1
