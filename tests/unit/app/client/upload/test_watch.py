"""Drop folders: what is whole, what becomes of bad files, and that tables may come late."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.client.upload import watch
from app.client.upload.command import upload
from app.client.upload.drop_folder import DropFolder, is_open_for_writing, move_done
from app.client.upload.state import UploadState
from tests.factories.hostile_server import Server

EXERCISE = "0199c1a2-0000-7000-8000-000000000001"
RECORDING = "0199c1a2-0000-7000-8000-00000000000f"
FILM = b"\0\0\0\x20ftypisom"
Run = Callable[..., Result]


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("drop", "done"):
        (tmp_path / name).mkdir()
    return tmp_path / "drop"


def names(folder: DropFolder) -> list[str]:
    return [file.name for file, _ in folder.at_rest(lambda path, shape: True)]


def test_a_file_is_whole_when_it_was_the_same_twice(drop: Path) -> None:
    folder = DropFolder(drop, drop / "done")
    for name in ("a.mp4", "b.mp4.PART", "c.tmp", ".d.mp4", "done/e.mp4", "sub/f.mp4"):
        (drop / name).parent.mkdir(exist_ok=True)
        (drop / name).write_bytes(FILM)
    assert names(folder) == []
    assert names(folder) == ["a.mp4", "sub/f.mp4"]
    with (drop / "a.mp4").open("ab") as growing:
        growing.write(b"more")
    assert names(folder) == ["sub/f.mp4"]
    assert names(folder) == ["a.mp4", "sub/f.mp4"]
    os.utime(drop / "a.mp4", ns=(1, 1))
    assert names(folder) == ["sub/f.mp4"]


def test_a_file_that_is_written_is_not_whole_however_long_it_rests(drop: Path) -> None:
    path = drop / "a.mp4"
    with path.open("wb") as writing:
        writing.write(FILM)
        writing.flush()
        assert is_open_for_writing(path)
    assert not is_open_for_writing(path)
    with path.open("rb"):
        assert not is_open_for_writing(path)
    assert not is_open_for_writing(drop / "absent.mp4")


def test_a_name_that_is_taken_gets_a_number(drop: Path) -> None:
    done = drop.parent / "done"
    for content in (b"1", b"2", b"3"):
        (drop / "sub").mkdir(exist_ok=True)
        (drop / "sub" / "a.mp4").write_bytes(content)
        move_done(drop / "sub" / "a.mp4", drop, done)
    assert {path.name: path.read_bytes() for path in (done / "sub").iterdir()} == {
        "a.mp4": b"1", "a-2.mp4": b"2", "a-3.mp4": b"3",
    }  # fmt: skip


class Judge:
    """Knows every film already, but finds fault with some; ends the watch when the last is asked for."""

    def __init__(self, faults: int, last: str) -> None:
        self.faults, self.last = faults, last
        self.asked: list[dict[str, Any]] = []

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path != "/api/v1/uploads/check":
            return 404, {"title": "Nothing is here for you"}
        one = body["files"][0]
        self.asked.append(one)
        problems = []
        if one["filename"] == "bad.mp4" and self.faults:
            self.faults -= 1
            problems = [{"field": "camera", "message": "no such camera"}]
        found = {"filename": one["filename"], "problems": problems, "duplicate_of": RECORDING}
        return 200, {"quota_left": None, "files": [found]}


def watching(run: Run, drop: Path, *more: str | Path) -> list[dict[str, Any]]:
    words = ["--watch", drop, "--done", drop.parent / "done", "--every", "0.1", "--json", *more]
    ended = run(upload, *words, "--exercise", EXERCISE)
    assert ended.exit_code == 0, ended.output
    return [json.loads(line) for line in ended.stdout.splitlines()]


def end_when(enough: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends the command with SIGTERM, as a service manager would, once there is enough."""
    look = watch.Watcher._look

    def looked(self: watch.Watcher) -> None:
        look(self)
        if enough():
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(watch.Watcher, "_look", looked)


def test_a_bad_file_stops_no_other_and_is_tried_again(
    run: Run, drop: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api = Judge(faults=2, last="bad.mp4")
    monkeypatch.setattr(watch, "FIRST_RETRY", 0.1)
    for name in ("bad.mp4", "good.mp4"):
        (drop / name).write_bytes(FILM + name.encode())
    end_when(lambda: not any(drop.iterdir()), monkeypatch)
    told = [(one["event"], Path(one["path"]).name) for one in watching(run, drop) if one["path"]]
    assert [event for event, name in told if name == "bad.mp4"] == ["failed", "duplicate", "moved"]
    assert [event for event, name in told if name == "good.mp4"] == ["duplicate", "moved"]


@pytest.mark.parametrize(("pause", "sent_again"), [(60.0, False), (0.1, True)])
def test_what_the_service_lost_is_sent_again_after_a_while(
    run: Run, drop: Path, server: Server, monkeypatch: pytest.MonkeyPatch, pause: float, sent_again: bool
) -> None:
    """Whatever lost it may lose it again: a film must not go out over and over."""
    film = drop / "a.mp4"
    film.write_bytes(FILM)
    digest = hashlib.sha256(FILM).hexdigest()
    UploadState(server.url, EXERCISE).finish(film, f"/api/v1/uploads/{RECORDING}", digest)
    upload_ = {"state": "received", "recording_id": None, "reason": None, "reason_code": None}
    asked: list[str] = []

    def api(method: str, path: str, body: Any) -> tuple[int, Any]:
        asked.append(path)
        if len(asked) > 1:  # first it is there
            upload_.update(state="rejected", reason_code="staging_lost")
        if path.endswith("/check"):
            return Judge(0, "")(method, path, body)
        return 200, upload_

    server.api = api
    monkeypatch.setattr(watch, "FIRST_RETRY", pause)
    looks: list[int] = []
    end_when(lambda: looks.append(1) or len(looks) > 12, monkeypatch)  # type: ignore[func-returns-value]
    told = [one["event"] for one in watching(run, drop) if one["event"] != "note"]
    assert told[:2] == ["received", "lost"]
    assert any(path.endswith("/check") for path in asked) is sent_again


def test_a_film_waits_for_its_row(
    run: Run, drop: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.api = judge = Judge(faults=0, last="a.mp4")
    table = drop.parent / "table.csv"
    table.write_text("file,viewpoint\n")
    (drop / "a.mp4").write_bytes(FILM)
    rounds: list[int] = []

    def enough() -> bool:
        rounds.append(1)
        if len(rounds) == 4:
            assert judge.asked == []
            table.write_text("film\n")
        if len(rounds) == 6:
            table.write_text("file,viewpoint\na.mp4,observer\n")
        return not any(drop.iterdir())

    end_when(enough, monkeypatch)
    events = watching(run, drop, "--metadata", table)
    notes = [one["message"] for one in events if one["event"] == "note"]
    assert any("a.mp4 waits for its row in table.csv" in note for note in notes)
    assert any("the column 'film' is not known" in note for note in notes)
    assert judge.asked[0]["details"] == {"viewpoint": "observer"}
    assert [one["event"] for one in events][-2:] == ["duplicate", "moved"]
