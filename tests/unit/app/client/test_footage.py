from __future__ import annotations

from pathlib import Path

import pytest

from app.client.upload.footage import find_footage, sniff
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
