"""What is not taken in, and the reason given."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.checks import undecodable
from ingest.errors import FileRejected, MachineFault
from ingest.ffmpeg import Completed, find_tools
from ingest.packets import Packets
from ingest.pipeline import ingest
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE, Limits
from tests.media import synthetic


def refusal(source: Path, out: Path, limits: Limits = DEFAULT_LIMITS) -> FileRejected:
    with pytest.raises(FileRejected) as caught:
        ingest(source, out, limits=limits)
    assert list(out.iterdir()) == []
    assert str(out) not in caught.value.message
    return caught.value


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("empty.mp4", lambda p: written(p, ""), "empty"),
        ("text.mp4", lambda p: written(p, "Incident report, page 1. " * 400), "not_media"),
        ("sound.mp4", synthetic.sound_only, "no_video"),
        ("tracks.mp4", lambda p: synthetic.many_tracks(p, 40), "too_many_streams"),
        ("sparse.mkv", synthetic.sparse, "too_sparse"),
        ("standing.mkv", synthetic.time_standing, "unusable_timing"),
    ],
)
def test_refused_with_a_reason(tmp_path: Path, name: str, make: Callable[[Path], Path], reason: str) -> None:
    assert refusal(make(tmp_path / name), tmp_path / "out").reason_code == reason


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile 'neighbour.mp4'\n",
        "ffconcat version 1.0\nfile '{folder}/neighbour.mp4'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:2,\nfile://{folder}/neighbour.mp4\n#EXT-X-ENDLIST\n",
    ],
)
def test_a_playlist_named_mp4_opens_nothing(tmp_path: Path, text: str) -> None:
    synthetic.plain(tmp_path / "neighbour.mp4", seconds=0.5)
    source = written(tmp_path / "playlist.mp4", text.format(folder=tmp_path))
    assert refusal(source, tmp_path / "out").reason_code == "not_media"


@pytest.mark.parametrize(
    ("whole", "share"),
    [
        ("index-last.mp4", 0.6),
        ("index-first.mp4", 0.6),
        ("cut.mkv", 0.5),
        ("cut.mkv", 0.85),
        ("cut.avi", 0.6),
    ],
)
def test_a_file_cut_short_is_refused(tmp_path: Path, whole: str, share: float) -> None:
    make = synthetic.index_first if whole == "index-first.mp4" else synthetic.plain
    source = make(tmp_path / whole, seconds=4)
    cut = synthetic.cut_short(source, tmp_path / f"cut-{whole}", share)
    assert refusal(cut, tmp_path / "out").reason_code == "truncated"


def test_pictures_larger_than_the_limit_are_refused(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "large.mp4", seconds=0.2)
    limits = replace(DEFAULT_LIMITS, max_pixels=160 * 120 - 1)
    assert refusal(source, tmp_path / "out", limits).reason_code == "too_large"


def test_a_codec_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    source = synthetic.plain(tmp_path / "rare.mkv", seconds=0.2, codec=("-c:v", "huffyuv"))
    assert refusal(source, tmp_path / "out").reason_code == "unsupported_codec"


def test_a_missing_file_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(MachineFault):
        ingest(tmp_path / "gone.mp4", tmp_path / "out")


def test_a_broken_sound_track_costs_no_pictures(tmp_path: Path) -> None:
    """Of a decoder's own words, addresses and all, nothing reaches the person who uploaded."""
    data = bytearray(synthetic.plain(tmp_path / "a.ts", seconds=2).read_bytes())
    for at in range(0, len(data) - 188, 188):
        if int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF == 0x101:  # the packets of the second stream
            data[at + 40 : at + 188] = bytes(148)
    (tmp_path / "broken.ts").write_bytes(data)
    report = ingest(tmp_path / "broken.ts", tmp_path / "out")
    assert report.source.frame_count == 50


def test_what_an_edit_list_leaves_out_is_not_missing(tmp_path: Path) -> None:
    """A trim without coding, as telephones do it, leaves the pictures stored and ends the showing earlier."""
    whole = synthetic.plain(tmp_path / "whole.mp4", seconds=2, extra=("-bf", "0", "-g", "10"))
    data = bytearray(whole.read_bytes())
    at = data.index(b"elst") + 12  # its first entry's length, in the movie's ticks: ISO/IEC 14496-12, 8.6.6
    ticks = int.from_bytes(data[at : at + 4], "big")
    data[at : at + 4] = (ticks // 2).to_bytes(4, "big")
    source = tmp_path / "trimmed.mp4"
    source.write_bytes(data)
    report = ingest(source, tmp_path / "out")
    assert 20 <= report.source.frame_count < 50


_CHANGED = "The pictures change their size in the middle of the file."


def test_pictures_that_change_their_size_are_refused(tmp_path: Path) -> None:
    """The camera's clock goes on: nothing but the size speaks against it."""
    source = tmp_path / "sizes.ts"
    for number, size in enumerate(("160x120", "320x240")):
        part = synthetic.plain(
            tmp_path / f"{size}.ts", size=size, seconds=1, extra=("-output_ts_offset", str(number))
        )
        with source.open("ab") as whole:
            whole.write(part.read_bytes())
    refused = refusal(source, tmp_path / "out")
    assert (refused.reason_code, refused.message) == ("undecodable", _CHANGED)


def test_pictures_that_change_their_size_where_a_recording_is_cut_are_refused(tmp_path: Path) -> None:
    """Each chunk is of one size: the seam between them must not hide the change."""
    source = synthetic.two_sizes(tmp_path / "sizes.mkv")
    profile = replace(DEFAULT_PROFILE, chunk_seconds=2, chunk_slack=0)
    with pytest.raises(FileRejected, match=_CHANGED):
        ingest(source, tmp_path / "out", profile=profile)


def test_a_clock_that_starts_again_is_refused_with_the_place(tmp_path: Path) -> None:
    """Two recordings, one behind the other in one file, as car cameras hand them over."""
    part = synthetic.plain(tmp_path / "part.ts", seconds=2, extra=("-bf", "2", "-preset", "veryfast"))
    source = tmp_path / "both.ts"
    source.write_bytes(part.read_bytes() * 2)
    refused = refusal(source, tmp_path / "out")
    assert refused.reason_code == "unusable_timing"
    assert refused.message == (
        "The camera's clock starts again at picture 50: the file is several recordings, one behind the other. "
        "Cut it there and hand over the pieces."
    )


def test_a_clock_that_jumps_once_and_comes_back_is_another_matter(
    tmp_path: Path, packets_of: Callable[[Path], Packets]
) -> None:
    whole = synthetic.plain(tmp_path / "a.ts", extra=("-bf", "0"), channels=0)
    source = tmp_path / "jump.ts"
    jump = "setts=pts='if(eq(N,20),PTS+900000,PTS)':dts='if(eq(N,20),DTS+900000,DTS)'"
    raw = ("-c", "copy", "-bsf:v", jump, "-copyts", "-max_interleave_delta", "0")
    synthetic.run_ffmpeg("-i", str(whole), *raw, str(source))
    assert packets_of(source).reset is None


@pytest.mark.parametrize(
    ("name", "filters", "reason"),
    [
        ("whole.mkv", "zscale=p=2020:t=linear", "unsupported_codec"),
        ("whole.mkv", "setparams=colorspace=ycgco,scale=100:100", "unsupported_codec"),
        ("noise.mkv", "null", "undecodable"),
    ],
)
def test_what_a_filter_cannot_do_is_not_the_files_fault(
    tmp_path: Path, name: str, filters: str, reason: str
) -> None:
    source = synthetic.plain(tmp_path / name, channels=0)
    if name == "noise.mkv":
        data = source.read_bytes()
        source.write_bytes(data[:1000] + bytes(len(data) - 1000))
    argv = [
        find_tools().ffmpeg,
        "-v",
        "error",
        "-i",
        source,
        "-vf",
        filters,
        "-f",
        "rawvideo",
        "-y",
        tmp_path / "a",
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    refused = undecodable("pictures", Completed(done.returncode, tmp_path / "a", done.stderr))
    assert done.returncode != 0
    assert refused.reason_code == reason
    assert ("Copy it" in refused.message) == (reason == "undecodable")
