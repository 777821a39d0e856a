"""What packets tell without decoding: times, key frames, and at which of them decoding may start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.errors import FileRejected
from ingest.packets import Packets, read_packets
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import Workspace
from tests.media import synthetic

PacketsOf = Callable[[Path], Packets]
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b-pyramid", "0", "-g", "10")


# Reads a file's packets and says by how much that raised the process's memory, in MB.
MEASURED = """
import sys
from pathlib import Path
from ingest.ffmpeg import find_tools
from ingest.packets import read_packets
from ingest.profiles import DEFAULT_LIMITS
from ingest.workspace import open_workspace
used = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
for source in sys.argv[1:]:
    before = used()
    with open_workspace(Path(source), Path(sys.argv[1]).parent / "work", find_tools(), DEFAULT_LIMITS) as workspace:
        total = read_packets(workspace, "source", "0").total
print(total, used() - before)
"""


def test_two_hours_at_120_pictures_a_second_take_little_memory(tmp_path: Path) -> None:
    short = synthetic.plain(tmp_path / "short.mkv")
    long = synthetic.tiny_pictures(tmp_path / "long.mkv", 864_000, 120)
    command = [sys.executable, "-c", MEASURED, str(short), str(long)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    total, more = done.stdout.split()
    assert int(total) == 864_025
    assert float(more) < 50


@pytest.mark.parametrize(
    ("limits", "taken"),
    [
        ({}, True),
        ({"max_frames": 49}, False),
        ({"spare_frames": 0, "max_frame_rate": 20}, False),
        ({"spare_frames": 50, "max_frame_rate": 20}, True),
        ({"spare_frames": 0, "max_frame_rate": 30}, True),
    ],
)
def test_more_pictures_than_cameras_take_are_refused(
    tmp_path: Path, open_on: Callable[[Path], Workspace], limits: dict[str, int], taken: bool
) -> None:
    workspace = open_on(synthetic.plain(tmp_path / "a.mp4"))
    workspace = replace(workspace, limits=replace(DEFAULT_LIMITS, **limits))
    if taken:
        assert read_packets(workspace, "source", "v:0").total == 50
    else:
        with pytest.raises(FileRejected, match="more pictures than are accepted") as caught:
            read_packets(workspace, "source", "v:0")
        assert caught.value.reason_code == "too_large"


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_key_frames_of_closed_groups_are_clean(tmp_path: Path, packets_of: PacketsOf, suffix: str) -> None:
    found = packets_of(synthetic.plain(tmp_path / f"closed.{suffix}", codec=X264))
    assert (found.total, len(found.pts)) == (50, 50)
    assert found.key.nonzero()[0].tolist() == [0, 10, 20, 30, 40]
    assert found.clean.tolist() == found.key.tolist()
    assert (found.pts[1:] > found.pts[:-1]).all()


def test_key_frames_with_leading_pictures_are_not(tmp_path: Path, packets_of: PacketsOf) -> None:
    codec = ("-c:v", "mpeg4", "-g", "10", "-bf", "2")  # whose groups are open
    found = packets_of(synthetic.plain(tmp_path / "open.mp4", codec=codec))
    assert found.key.sum() >= 5
    assert found.clean.nonzero()[0].tolist() == [0]


def test_avi_tells_no_order_so_only_streams_of_key_frames_are_clean(
    tmp_path: Path, packets_of: PacketsOf
) -> None:
    still = packets_of(synthetic.plain(tmp_path / "still.avi"))
    assert still.clean.all()
    moving = packets_of(
        synthetic.plain(tmp_path / "moving.avi", codec=("-c:v", "mpeg4", "-g", "10", "-bf", "2"))
    )
    assert moving.key.sum() >= 5
    assert moving.clean.nonzero()[0].tolist() == [0]


def test_pictures_that_an_edit_list_hides_are_counted_but_not_shown(
    tmp_path: Path, packets_of: PacketsOf
) -> None:
    whole = synthetic.plain(tmp_path / "whole.mp4", codec=(*X264[:-1], "25"))
    cut = tmp_path / "cut.mp4"
    synthetic.run_ffmpeg("-ss", "1.2", "-i", str(whole), "-c", "copy", str(cut))
    found = packets_of(cut)
    assert found.total > len(found.pts)
