"""The picture branch: one kind of picture whatever the camera, a frame for a frame, each at its time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.errors import FileRejected
from ingest.ffmpeg import find_tools
from ingest.frames import Ledger
from ingest.packets import Packets
from ingest.pipeline import ingest
from ingest.probe import probe
from ingest.report import Report
from ingest.workspace import Workspace
from tests.media import synthetic

# x265 writes what it is told of colours into the stream
PQ = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params")
HDR = "log-level=0:colorprim=bt2020:colormatrix=bt2020nc:transfer={}"
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "4")


def colours(path: Path, rows: float = 0.3) -> NDArray[np.float64]:
    """RGB at seven places of the first picture, as a player shows it. (7, 3)."""
    shown = "scale=flags=accurate_rnd+full_chroma_int,format=rgb24"
    crop = f"crop=iw:4:0:ih*{rows},scale=70:1:flags=area"
    argv = [find_tools().ffmpeg, "-v", "error", "-i", path, "-frames:v", "1", "-vf", f"{shown},{crop}"]
    raw = subprocess.run([*argv, "-f", "rawvideo", "-"], capture_output=True, check=True, timeout=30).stdout
    return np.frombuffer(raw, dtype=np.uint8).reshape(70, 3)[5::10].astype(np.float64)


def bars(path: Path, filters: str, *options: str, size: str = "280x160") -> Path:
    """SMPTE colour bars, converted and coded as told."""
    card = f"smptebars=s={size}:r=25:d=0.4"
    synthetic.run_ffmpeg("-f", "lavfi", "-i", card, "-vf", filters, *options, str(path))
    return path


def made(source: Path, folder: Path) -> tuple[Path, Report]:
    return folder / "out" / "master.mp4", ingest(source, folder / "out")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float64]:
    folder = tmp_path_factory.mktemp("bars")
    lossless = ("-c:v", "libx264rgb", "-qp", "0")
    return colours(bars(folder / "rgb.mp4", "format=rgb24", *lossless))


@pytest.mark.parametrize(
    ("name", "filters", "options"),
    [
        ("sd-said.mp4", "scale=out_color_matrix=bt601,format=yuv420p", (*H264, "-colorspace", "smpte170m")),
        ("sd-unsaid.mp4", "scale=out_color_matrix=bt601,format=yuv420p,setparams=colorspace=unknown", H264),
        ("hd-matrix.mp4", "scale=out_color_matrix=bt709,format=yuv420p", (*H264, "-colorspace", "bt709")),
        (
            "full.mp4",
            "scale=out_color_matrix=bt601:out_range=pc,format=yuvj420p",
            (*H264, "-colorspace", "smpte170m"),
        ),
        (
            "mjpeg.avi",
            "scale=out_color_matrix=bt601:out_range=pc,format=yuvj444p",
            ("-c:v", "mjpeg", "-q:v", "1"),
        ),
        ("deep.mp4", "scale=out_color_matrix=bt709,format=yuv422p10le", (*H264, "-colorspace", "bt709")),
        ("rgb.mp4", "format=rgb24", ("-c:v", "libx264rgb", "-qp", "0")),
    ],
)
def test_colours_are_the_sources(
    tmp_path: Path, reference: NDArray[np.float64], name: str, filters: str, options: tuple[str, ...]
) -> None:
    master, _ = made(bars(tmp_path / name, filters, *options), tmp_path)
    assert (
        np.abs(colours(master) - reference).max() <= 8
    )  # two lossy codings; a wrong matrix or range is 20 off
    assert shown(master) == ["yuv420p", "tv", "bt709", "bt709", "bt709"]


def shown(path: Path) -> list[str]:
    entries = "stream=pix_fmt,color_range,color_space,color_transfer,color_primaries"
    argv = [find_tools().ffprobe, "-v", "error", "-select_streams", "v", "-show_entries", entries]
    done = subprocess.run(
        [*argv, "-of", "csv=p=0", path], capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip().split(",")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_is_tone_mapped_only_where_the_probe_says_so(
    tmp_path: Path, open_on: Callable[[Path], Workspace], transfer: str
) -> None:
    to_hdr = (
        "scale=out_color_matrix=bt709,format=yuv444p,"
        f"zscale=pin=709:tin=709:min=709:rin=limited:p=2020:t={transfer}:m=2020_ncl:npl=200,format=yuv420p10le"
    )
    source = bars(tmp_path / "hdr.mkv", to_hdr, *PQ, HDR.format(transfer))
    assert probe(open_on(source)).video.colour.hdr
    master, report = made(source, tmp_path)
    assert "The pictures are of high dynamic range; what is derived is tone-mapped." in report.findings
    assert shown(master) == ["yuv420p", "tv", "bt709", "bt709", "bt709"]
    # hues stay: each bar's strongest and weakest channels are those of the card
    seen = colours(master)
    for place, (high, low) in {
        1: ((0, 1), 2),
        2: ((1, 2), 0),
        3: ((1,), 0),
        5: ((0,), 1),
        6: ((2,), 1),
    }.items():
        assert min(seen[place][list(high)]) > seen[place][low] + 60
    assert seen[0].max() - seen[0].min() < 12


TO_709 = "scale=out_color_matrix=bt709,format=yuv444p,zscale=pin=709:tin=709:min=709:rin=limited"


@pytest.mark.parametrize(
    ("matrix", "filters", "primaries", "transfer"),
    [
        ("smpte240m", "scale=out_color_matrix=smpte240m", "smpte240m", "smpte240m"),
        ("ycgco", f"{TO_709}:p=709:t=709:m=709,{{bare}},zscale=min=709:m=ycgco", "unknown", "unknown"),
        ("bt2020c", f"{TO_709}:p=2020:t=709:m=2020_cl", "bt2020", "bt2020-10"),
        ("bt2020nc", f"{TO_709}:p=2020:t=709:m=2020_ncl", "unknown", "unknown"),
        ("unknown", f"{TO_709}:p=2020:t=709:m=2020_ncl", "bt2020", "unknown"),
    ],
)
def test_colours_are_the_sources_whatever_is_said_of_them_and_whatever_not(
    tmp_path: Path,
    reference: NDArray[np.float64],
    matrix: str,
    filters: str,
    primaries: str,
    transfer: str,
) -> None:
    bare = "setparams=color_primaries=unknown:color_trc=unknown"
    filters = filters.format(bare=bare) + ",format=yuv444p10le"
    source = said(bars(tmp_path / "bare.mp4", f"{filters},{NOTHING}", *H264), matrix, primaries, transfer)
    assert shown(source)[2:] == [matrix, transfer, primaries]
    master, _ = made(source, tmp_path)
    # near black, 8 bits of a wide gamut are coarse; a wrong matrix or gamut is 20 off
    assert np.abs(colours(master) - reference).max() <= 12


NOTHING = "setparams=color_primaries=unknown:color_trc=unknown:colorspace=unknown:range=tv"
# ITU-T H.273, tables 2 to 4
_NUMBERS = {"bt709": 1, "unknown": 2, "smpte240m": 7, "ycgco": 8, "bt2020": 9, "bt2020nc": 9}
_NUMBERS |= {"bt2020c": 10, "bt2020-10": 14, "smpte2084": 16, "arib-std-b67": 18, "ictcp": 14}


def said(bare: Path, matrix: str, primaries: str, transfer: str) -> Path:
    """The same H.264 with that said of its colours, which no filter has a hand in."""
    source = bare.with_name(f"said-{bare.name}")
    numbers = (
        f"matrix_coefficients={_NUMBERS[matrix]}:colour_primaries={_NUMBERS[primaries]}"
        f":transfer_characteristics={_NUMBERS[transfer]}"
    )
    # nor does MP4's own box speak of them
    plain = ("-c", "copy", "-movflags", "-write_colr", "-bsf:v", f"h264_metadata={numbers}")
    synthetic.run_ffmpeg("-i", str(bare), *plain, str(source))
    return source


@pytest.mark.parametrize(
    ("matrix", "primaries"),
    [("unknown", "unknown"), ("unknown", "bt2020"), ("bt2020nc", "unknown"), ("bt2020c", "bt2020")],
)
@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_high_dynamic_range_looks_the_same_however_little_is_said(
    tmp_path: Path, matrix: str, primaries: str, transfer: str
) -> None:
    bare = bars(
        tmp_path / "bare.mp4",
        f"{TO_709}:p=2020:t={transfer}:m=2020_ncl:npl=200,format=yuv420p10le,{NOTHING}",
        *H264,
    )
    whole, _ = made(said(bare, "bt2020nc", "bt2020", transfer), tmp_path / "whole")
    part, report = made(said(bare, matrix, primaries, transfer), tmp_path / "part")
    assert np.abs(colours(part) - colours(whole)).max() <= 1
    assert any("tone-mapped" in finding for finding in report.findings)


def test_colours_that_nothing_here_converts_are_refused_by_name(tmp_path: Path) -> None:
    bare = bars(tmp_path / "bare.mp4", f"format=yuv420p,{NOTHING}", *H264)
    with pytest.raises(FileRejected, match="coded as ictcp") as caught:
        ingest(said(bare, "ictcp", "bt2020", "smpte2084"), tmp_path / "out")
    assert caught.value.reason_code == "unsupported_codec"


@pytest.mark.parametrize("field", ["tff", "bff"])
def test_interlaced_pictures_stay_one_for_one(
    tmp_path: Path, packets_of: Callable[[Path], Packets], field: str
) -> None:
    flags = ("-flags", "+ildct+ilme", "-x264-params", f"{field}=1")
    weave = f"interlace=scan={field}:lowpass=off,format=yuv420p"
    card = "testsrc2=s=160x128:r=50:d=1.2"
    source = tmp_path / "fields.ts"
    synthetic.run_ffmpeg("-f", "lavfi", "-i", card, "-vf", weave, *H264[:4], *flags, str(source))
    master, report = made(source, tmp_path)
    ledger, packets = Ledger.read(master.parent / "ledger.parquet"), packets_of(master)
    assert report.source.frame_count == len(packets.pts) == 30
    assert [int(p) * packets.time_base for p in packets.pts] == [ledger.time_of(n) for n in range(30)]
    assert "The pictures are interlaced; what is derived is not." in report.findings


def combing(path: Path) -> float:
    """How much the lines of every other field stand out from the lines around them, in grey levels."""
    show = (
        "-vf",
        "scale=720:576:in_range=tv:out_range=tv,format=gray",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    )
    argv = [find_tools().ffmpeg, "-v", "error", "-i", path, *show]
    raw = subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout
    grey = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 576, 720).astype(np.float64)
    return float(np.abs(grey[2:-2, 1:-1] - (grey[2:-2, :-2] + grey[2:-2, 2:]) / 2).mean())


@pytest.mark.parametrize(
    ("name", "coding"),
    [
        ("dv.avi", ("-c:v", "dvvideo", "-pix_fmt", "yuv420p")),
        ("asp.avi", ("-c:v", "mpeg4", "-q:v", "3", "-flags", "+ildct+ilme")),
    ],
)
def test_fields_that_only_the_pictures_tell_of_are_made_frames(
    tmp_path: Path, name: str, coding: tuple[str, ...]
) -> None:
    """AVI has no place for the order of fields; a DV camera's tape is interlaced all the same."""
    moving = "testsrc2=s=720x576:r=50:d=0.6,scroll=h=0.03"
    frames = ("-f", "lavfi", "-i", f"{moving},framestep=2")
    fields = ("-f", "lavfi", "-i", f"{moving},interlace=scan=bff:lowpass=off")
    whole, woven = tmp_path / "whole.avi", tmp_path / name
    synthetic.run_ffmpeg(*frames, "-c:v", "dvvideo", "-pix_fmt", "yuv420p", "-r", "25", str(whole))
    synthetic.run_ffmpeg(*fields, *coding, "-r", "25", str(woven))
    master, report = made(woven, tmp_path)
    assert combing(woven) > 2 * combing(whole)  # or there was nothing to take away
    assert combing(master) < 1.2 * combing(whole)
    assert "The pictures are interlaced; what is derived is not." in report.findings
    assert report.source.frame_count == 15


def test_whole_frames_of_the_same_kinds_stay_as_they_are(tmp_path: Path) -> None:
    _, report = made(synthetic.plain(tmp_path / "a.avi", codec=("-c:v", "mpeg4")), tmp_path)
    assert report.findings == ()


def test_a_single_interlaced_picture_is_kept(tmp_path: Path) -> None:
    weave = ("-vf", "setfield=tff,format=yuv420p", "-flags", "+ildct+ilme", "-frames:v", "1")
    source = tmp_path / "one.ts"
    synthetic.run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x128:r=25:d=1", *weave, *H264[:4], str(source))
    assert made(source, tmp_path)[1].source.frame_count == 1


@pytest.mark.parametrize(
    ("name", "size", "extra", "expected"),
    [
        ("wide.mp4", "144x128", ("-vf", "setsar=16/11"), (208, 128)),
        ("tall.mkv", "160x90", ("-vf", "setsar=1/2"), (160, 180)),
        ("odd.mkv", "161x121", ("-pix_fmt", "yuv444p"), (160, 120)),
        ("odd-hdr.mkv", "161x121", (*PQ[2:], HDR.format("smpte2084"), "-pix_fmt", "yuv444p10le"), (160, 120)),
    ],
)
def test_pixels_are_square_and_sizes_even(
    tmp_path: Path, name: str, size: str, extra: tuple[str, ...], expected: tuple[int, int]
) -> None:
    codec = () if "-c:v" in extra else ("-c:v", "libx264", "-preset", "ultrafast")
    _, report = made(
        synthetic.plain(tmp_path / name, size=size, seconds=0.4, channels=0, codec=codec, extra=extra),
        tmp_path,
    )
    master = report.rendition("master")
    assert master is not None
    assert (master.width, master.height) == expected
    assert report.source.frame_count == 10
