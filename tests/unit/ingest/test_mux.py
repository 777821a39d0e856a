"""What is put together without coding anew: a source that conforms, and the stream for the player."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.ffmpeg import Tools
from ingest.frames import Ledger
from ingest.packets import Packets
from ingest.pipeline import ingest
from ingest.profiles import DEFAULT_PROFILE, Profile
from ingest.report import Report
from ingest.segmentation.plan import DEFAULT_PLAN
from tests.media import synthetic
from tests.unit.ingest.test_chunks import decoded

CONFORMING = ("-g", "25", "-bf", "2", "-colorspace", "bt709", "-pix_fmt", "yuv420p")


def copied(report: Report) -> bool:
    master = report.rendition("master")
    assert master is not None
    return "libx264 -crf 23" not in " ".join(report.recipes[master.recipe].command)


def test_a_conforming_source_is_copied_and_every_picture_is_its_own(
    tmp_path: Path, tools: Tools, packets_of: Callable[[Path], Packets]
) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=3, codec=("-c:v", "libx264", *CONFORMING))
    report = ingest(source, tmp_path / "out")
    assert copied(report)
    ledger = Ledger.read(tmp_path / "out" / "ledger.parquet")
    assert [h for _, h in decoded(tmp_path / "out" / "master.mp4")] == [
        h.tobytes().hex() for h in ledger.hashes
    ]
    made = packets_of(tmp_path / "out" / "master.mp4")
    assert [int(p) * made.time_base for p in made.pts] == [ledger.time_of(n) for n in range(75)]
    assert b"x264 - core" in source.read_bytes()
    assert b"x264 - core" not in (tmp_path / "out" / "master.mp4").read_bytes()


@pytest.mark.parametrize("said", [(), ("-color_primaries", "bt709", "-color_trc", "bt709")])
def test_a_copied_master_says_its_colours(tmp_path: Path, tools: Tools, said: tuple[str, ...]) -> None:
    """Whether the source did or not, to a player of the container and to one of the bare pictures."""
    coding = ("-c:v", "libx264", *CONFORMING, *said)
    report = ingest(synthetic.plain(tmp_path / "a.mp4", codec=coding, channels=0), tmp_path / "out")
    assert copied(report)
    bare = tmp_path / "bare.h264"
    synthetic.run_ffmpeg("-i", str(tmp_path / "out" / "master.mp4"), "-c", "copy", str(bare))
    for path in (tmp_path / "out" / "master.mp4", bare):
        entries = "stream=color_space,color_transfer,color_primaries"
        argv = [tools.ffprobe, "-v", "error", "-show_entries", entries, "-of", "csv=p=0", path]
        told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
        assert told.strip() == "bt709,bt709,bt709"


@pytest.mark.parametrize(
    "options",
    [
        ("-g", "60", "-colorspace", "bt709", "-pix_fmt", "yuv420p"),
        ("-x264-params", "open-gop=1:keyint=20", "-bf", "2", "-colorspace", "bt709", "-pix_fmt", "yuv420p"),
        ("-g", "25", "-colorspace", "smpte170m", "-pix_fmt", "yuv420p"),
        ("-g", "25", "-colorspace", "bt709", "-pix_fmt", "yuv444p"),
        ("-g", "25", "-colorspace", "bt709", "-pix_fmt", "yuv420p", "-aspect", "3:1"),
    ],
    ids=["long-groups", "open-groups", "matrix", "444", "oblong"],
)
def test_what_does_not_conform_is_coded(tmp_path: Path, options: tuple[str, ...]) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=3, codec=("-c:v", "libx264", *options), channels=0)
    assert not copied(ingest(source, tmp_path / "out"))


def test_more_bits_than_the_profile_allows_are_coded(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "a.mp4", seconds=1, codec=("-c:v", "libx264", *CONFORMING))
    assert not copied(ingest(source, tmp_path / "out", profile=Profile(copy_bit_rate=10_000)))


def test_the_stream_is_in_closed_pieces_of_a_second(derived: tuple[Path, Report], tools: Tools) -> None:
    """Each piece of the playlist decodes by itself, and together they are the proxy's pictures."""
    out, report = derived
    text = (out / "stream.m3u8").read_text()
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in text
    assert text.rstrip().endswith("#EXT-X-ENDLIST")
    pieces = re.findall(r"#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)\nstream.mp4\n", text)
    head_size, head_at = re.findall(r'#EXT-X-MAP:URI="stream.mp4",BYTERANGE="(\d+)@(\d+)"', text)[0]
    whole = (out / "stream.mp4").read_bytes()
    head = whole[int(head_at) : int(head_at) + int(head_size)]
    ledger = Ledger.read(out / "ledger.parquet")
    assert sum(float(p[0]) for p in pieces) == pytest.approx(
        float(ledger.time_of(ledger.frame_count)), abs=0.1
    )
    assert all(float(seconds) <= 1.2 * DEFAULT_PROFILE.gop_seconds for seconds, _, _ in pieces)
    pictures: list[str] = []
    for number, (_, size, at) in enumerate(pieces):
        piece = out.parent / f"piece-{number}.mp4"
        piece.write_bytes(head + whole[int(at) : int(at) + int(size)])
        pictures += [h for _, h in decoded(piece)]
    assert pictures == [h for _, h in decoded(out / "proxy.mp4")]
    assert len(pictures) == report.source.frame_count


@pytest.mark.parametrize("volume", [0.02, 0.9])
def test_sound_comes_out_at_one_loudness_and_never_over_the_top(
    tmp_path: Path, tools: Tools, volume: float
) -> None:
    source = synthetic.plain(tmp_path / "a.mkv", seconds=4, extra=("-af", f"volume={volume}"))
    ingest(source, tmp_path / "out", profile=Profile(most_gain=40))
    argv = [tools.ffmpeg, "-i", tmp_path / "out" / "master.mp4", "-map", "0:a"]
    argv += ["-af", "ebur128=peak=sample:framelog=quiet", "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stderr
    loudness = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])
    peak = float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", said)[-1])
    assert loudness == pytest.approx(-23, abs=1)
    assert peak <= 0


def test_units_of_private_types_are_not_copied(tmp_path: Path) -> None:
    """What a camera or a stranger stores among the pictures, in units that no decoder reads, stays behind."""
    plain = synthetic.plain(
        tmp_path / "a.mp4", seconds=2, codec=("-c:v", "libx264", *CONFORMING, "-bf", "0"), channels=0
    )
    annexb = tmp_path / "a.h264"
    synthetic.run_ffmpeg("-i", str(plain), "-c", "copy", "-f", "h264", str(annexb))
    private = b"\x00\x00\x01\x1e" + b"PC-4711-AT-HOME" + b"\x80"  # type 30: unspecified
    start = b"\x00\x00\x01\x65"
    marked = annexb.read_bytes().replace(start, private + start)
    assert marked.count(b"PC-4711") > 0
    annexb.write_bytes(marked)
    source = tmp_path / "b.mp4"
    synthetic.run_ffmpeg("-r", "25", "-i", str(annexb), "-c", "copy", str(source))
    assert b"PC-4711" in source.read_bytes()
    ingest(source, tmp_path / "out")
    for made in (tmp_path / "out").rglob("*.mp4"):
        assert b"PC-4711" not in made.read_bytes(), made.name


def units_of(path: Path) -> list[bytes]:
    """The NAL units of an H.264 track that decoding needs."""
    bare = path.with_suffix(".h264")
    needed = ("-bsf:v", "h264_mp4toannexb,filter_units=remove_types=6|9")
    synthetic.run_ffmpeg("-i", str(path), "-c", "copy", *needed, "-f", "h264", str(bare))
    return [unit for unit in re.split(rb"\x00?\x00\x00\x01", bare.read_bytes()) if unit]


def said_once(units: list[bytes]) -> list[bytes]:
    """The same without the parameter sets that are there already."""
    return [u for n, u in enumerate(units) if u[0] & 31 not in (7, 8) or u not in units[:n]]


@pytest.mark.parametrize(("suffix", "once"), [("mp4", True), ("mkv", True), ("mp4", False)])
def test_a_clip_from_behind_a_change_of_parameters_decodes_to_the_sources_pictures(
    tmp_path: Path, suffix: str, once: bool
) -> None:
    """Two takes of one size by different settings of the encoder; the second tells its own once, or in each group."""
    takes = []
    for number, options in enumerate((("-profile:v", "baseline", "-refs", "1"), ("-refs", "4"))):
        take = tmp_path / f"take-{number}.mp4"
        coding = ("-c:v", "libx264", "-g", "25", "-bf", "0", "-colorspace", "bt709", "-pix_fmt", "yuv420p")
        units = units_of(synthetic.plain(take, seconds=3, channels=0, codec=(*coding, *options)))
        takes += said_once(units) if once else units
    bare, source = tmp_path / "joined.h264", tmp_path / f"joined.{suffix}"
    bare.write_bytes(b"".join(b"\x00\x00\x00\x01" + unit for unit in takes))
    synthetic.run_ffmpeg("-r", "25", "-i", str(bare), "-c", "copy", str(tmp_path / "joined.mp4"))
    if suffix == "mkv":
        synthetic.run_ffmpeg("-i", str(tmp_path / "joined.mp4"), "-c", "copy", str(source))
    out = tmp_path / "out"
    report = ingest(source, out, profile=Profile(segments=DEFAULT_PLAN.with_length(1)))
    assert not copied(report)
    assert [one.start_frame for one in report.clips] == [0, 25, 50, 75, 100, 125]
    ledger = Ledger.read(out / "ledger.parquet")
    assert [h for _, h in decoded(source)] == [h.tobytes().hex() for h in ledger.hashes]
    master = [h for _, h in decoded(out / "master.mp4")]
    for one in report.clips:
        assert [h for _, h in decoded(out / one.path)] == master[one.start_frame : one.end_frame]


def test_the_same_parameters_in_every_group_are_copied(tmp_path: Path) -> None:
    take = synthetic.plain(tmp_path / "a.ts", seconds=3, codec=("-c:v", "libx264", *CONFORMING), channels=0)
    source = tmp_path / "a.mp4"
    synthetic.run_ffmpeg("-i", str(take), "-c", "copy", str(source))
    report = ingest(source, tmp_path / "out", profile=Profile(segments=DEFAULT_PLAN.with_length(1)))
    assert copied(report)
