from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from app.client.errors import ClientError
from app.client.upload.cards import place_on_card, why_not
from app.client.upload.footage import find_footage, judge, sniff
from app.client.upload.state import Remembered, UploadState


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x20ftypisom" + b"\0" * 500, "mp4"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mp4"),
        (b"\x1a\x45\xdf\xa3" + b"\0" * 50, "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        ((b"\x47" + b"\0" * 187) * 2 + b"\x47", "mpegts"),
        ((b"\0\0\0\0\x47" + b"\0" * 187) * 2 + b"\0\0\0\0\x47", "mpegts"),
        (b"Graham and others", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(head: bytes, container: str | None) -> None:
    assert sniff(head) == container


def test_folders_are_searched_and_what_is_no_footage_is_said(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    film, text, empty = tmp_path / "card/a.MP4", tmp_path / "card/b.mp4", tmp_path / "c.mp4"
    film.write_bytes(b"\0\0\0\x20ftypisom" + b"\0" * 100)
    text.write_text("not a film")
    empty.touch()
    (tmp_path / "card/link.mp4").symlink_to(film)
    found = {one.path.name: one for one in find_footage([tmp_path, film])}
    assert set(found) == {"a.MP4", "b.mp4", "c.mp4"}
    assert found["a.MP4"].media_type == "video/mp4"
    assert not found["a.MP4"].skipped
    assert found["b.mp4"].skipped == "not footage"
    assert found["c.mp4"].skipped == "the file is empty"


def test_an_upload_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"film")
    state = UploadState("https://example.org", "exercise", tmp_path / "state")
    assert state.recall(file) is None
    state.remember(file, "/api/v1/uploads/1")
    later = UploadState("https://example.org", "exercise", tmp_path / "state")
    assert later.recall(file) == Remembered("/api/v1/uploads/1")
    assert UploadState("https://example.org", "other", tmp_path / "state").recall(file) is None
    later.finish(file, "/api/v1/uploads/1", "ab")
    assert state.recall(file) == Remembered("/api/v1/uploads/1", whole=True, sha256="ab")
    assert UploadState("https://example.org", "other", tmp_path / "state").digest(file) == "ab"
    file.write_bytes(b"another film")
    assert state.recall(file) is None
    assert state.digest(file) is None
    state.forget(file)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("DCIM/100GOPRO/GX010001.MP4", None),
        ("DCIM/100GOPRO/GL010001.LRV", "a low-resolution copy made by the camera: the film itself is sent"),
        ("DCIM/100GOPRO/GX010001.THM", "a thumbnail"),
        ("PRIVATE/M4ROOT/CLIP/C0001.MP4", None),
        ("PRIVATE/M4ROOT/CLIP/C0001M01.XML", "a sidecar of the camera's, not footage"),
        (
            "PRIVATE/M4ROOT/SUB/C0001S03.MP4",
            "a low-resolution copy made by the camera: the film itself is sent",
        ),
        ("PRIVATE/AVCHD/BDMV/STREAM/00001.MTS", None),
        ("DCIM/DJI_0001.SRT", "a sidecar of the camera's, not footage"),
        ("DCIM/photo.JPG", "a still picture, not footage"),
        ("films/a.xmp", "a sidecar of the camera's, not footage"),
    ],
)
def test_what_a_camera_puts_beside_its_films(place: str, reason: str | None) -> None:
    assert why_not(PurePosixPath(place)) == reason


def test_what_no_camera_put_there_is_passed_over_and_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    for name in (".Trashes/a.mp4", "DCIM/._A.MP4", "System Volume Information/b.mp4", "DCIM/A.MP4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\0\0\x20ftypisom")
    assert [one.name for one in find_footage([tmp_path])] == ["DCIM/A.MP4"]
    assert "No such file" in judge(tmp_path / "gone.mp4").failed
    os.mkfifo(tmp_path / "pipe.mp4")
    assert judge(tmp_path / "pipe.mp4").skipped == "not a file"
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp4"))
    odd.write_bytes(b"\0\0\0\x20ftypisom")
    assert "rename it" in next(one for one in find_footage([odd])).failed


def test_a_card_is_known_wherever_it_is_mounted(tmp_path: Path) -> None:
    assert place_on_card(PurePosixPath("/media/a/DCIM/1/A.MP4")) == place_on_card(
        PurePosixPath("/mnt/DCIM/1/A.MP4")
    )
    assert place_on_card(PurePosixPath("/films/A.MP4")) == "/films/A.MP4"


def test_one_file_is_sent_by_one_run(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"film")
    states = [UploadState("https://example.org", "exercise", tmp_path / "state") for _ in range(2)]
    with (
        states[0].hold(file),
        pytest.raises(ClientError, match="another 'cordon upload'"),
        states[1].hold(file),
    ):
        pass
    with states[1].hold(file):
        pass


def test_old_memories_go(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"film")
    state = UploadState("https://example.org", "exercise", tmp_path / "state")
    state.remember(file, "/api/v1/uploads/1")
    state.prune()
    assert state.recall(file)
    for one in (tmp_path / "state").iterdir():
        os.utime(one, (0, 0))
    state.prune()
    assert state.recall(file) is None
