"""What the service says beforehand: dry runs, problems by row and column, duplicates, room; against its contract."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bagit
import pytest
from click.testing import Result

from app.client.upload import check
from app.client.upload.command import upload
from app.client.upload.state import UploadState
from tests.factories.hostile_server import Server

EXERCISE = "0199c1a2-0000-7000-8000-000000000001"
RECORDING = "0199c1a2-0000-7000-8000-00000000000f"
OTHER = "0199c1a2-0000-7000-8000-00000000000e"
FILM = b"\0\0\0\x20ftypisom"
Run = Callable[..., Result]


class Judge:
    """Answers checks as told; anything else is not there."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.problems: dict[str, list[dict[str, str]]] = {}
        self.duplicates: dict[str, str] = {}
        self.held: dict[str, str] = {}  # SHA-256 → recording
        self.lengths: list[int] = []
        self.quota_left: int | None = None

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if (method, path) != ("POST", "/api/v1/uploads/check"):
            return 404, {"title": "Nothing is here for you"}
        self.asked.append(body)
        files = [
            {
                "filename": one["filename"],
                "problems": self.problems.get(one["filename"], []),
                "duplicate_of": self.duplicates.get(one["filename"]) or self.held.get(one.get("sha256", "")),
                "length_known": one["length"] in self.lengths,
            }
            for one in body["files"]
        ]
        return 200, {"quota_left": self.quota_left, "files": files}


@pytest.fixture
def judge(server: Server) -> Judge:
    server.api = judge = Judge()
    return judge


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "films"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (folder / name).write_bytes(FILM + name.encode() * 1000)
    return folder


def states(run: Run, *words: object, status: int = 0) -> dict[str, tuple[str, str | None]]:
    """What is said of each file, by its name: state and reason."""
    done = run(upload, *words, "--exercise", EXERCISE, "--json")
    assert done.exit_code == status, done.output
    return {one["name"]: (one["state"], one["reason"]) for one in json.loads(done.stdout)["files"]}


def sends(server: Server) -> list[str]:
    return [path for method, path, _ in server.requests if path == "/api/v1/uploads" and method == "POST"]


def test_a_dry_run_says_all_and_sends_nothing(run: Run, films: Path, judge: Judge, server: Server) -> None:
    judge.duplicates["b.mp4"] = RECORDING
    (films / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    done = run(upload, films, "--exercise", EXERCISE, "--dry-run", "--limit", "1k")
    assert done.exit_code == 0, done.output
    assert "2 files, 10.0 kB would be sent, in 0:00:10 at 1.0 kB/s" in done.stdout
    assert f"handed over before: {films / 'b.mp4'} (5.0 kB), recording {RECORDING}" in done.stdout
    assert "a still picture" in done.stdout
    document = json.loads(run(upload, films, "--exercise", EXERCISE, "--dry-run", "--json").stdout)
    assert (document["to_send"], document["seconds_at_limit"], document["checked"]) == (10024, None, True)
    found = {one["name"]: one["state"] for one in document["files"]}
    assert found == {
        "a.mp4": "would_send", "b.mp4": "duplicate", "c.mp4": "would_send", "photo.jpg": "skipped",
    }  # fmt: skip
    assert sends(server) == []
    assert judge.asked[0]["exercise_id"] == EXERCISE


def test_a_problem_names_row_and_column_and_nothing_is_sent(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    table = films.parent / "table.csv"
    table.write_text("file,started_at,viewpoint\na.mp4,yesterday,officer\nb.mp4,2026-05-04T10:00:00Z,\n")
    judge.problems["a.mp4"] = [{"field": "started_at", "message": "write it as 2026-05-04T10:00:00+01:00"}]
    judge.problems["c.mp4"] = [{"field": "length", "message": "one upload holds at most 10 bytes"}]
    done = run(upload, films, "--exercise", EXERCISE, "--metadata", table)
    assert done.exit_code == 1
    assert "row 2, a.mp4, column started_at: write it as" in done.stderr
    assert "c.mp4: one upload holds at most" in done.stderr
    assert "Nothing was sent." in done.stderr
    details = {one["filename"]: one["details"] for one in judge.asked[0]["files"]}
    assert details["a.mp4"] == {"started_at": "yesterday", "viewpoint": "officer"}
    assert details["b.mp4"] == {"started_at": "2026-05-04T10:00:00Z"}
    assert sends(server) == []


def test_room_that_does_not_suffice_is_said_before(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    judge.quota_left = 15_000
    done = run(upload, films, "--exercise", EXERCISE)
    assert done.exit_code == 1
    assert "15.0 kB are left of your organisation's room, these files need 15.0 kB" in done.stderr
    assert sends(server) == []


def test_a_manifest_lets_duplicates_be_known_before_a_byte_is_sent(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    bagit.make_bag(str(films), checksums=["sha256"])
    judge.duplicates = dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), RECORDING)
    done = run(upload, films, "--exercise", EXERCISE, "--json")
    assert done.exit_code == 0, done.output
    assert [one["state"] for one in json.loads(done.stdout)["files"] if one["state"] != "skipped"] == [
        "duplicate"
    ] * 3
    asked = {one["filename"]: one["sha256"] for one in judge.asked[0]["files"]}
    assert asked["a.mp4"] == hashlib.sha256((films / "data" / "a.mp4").read_bytes()).hexdigest()
    assert sends(server) == []


def test_a_damaged_film_of_a_bag_is_no_duplicate_on_its_manifests_word(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    bagit.make_bag(str(films), checksums=["sha256"])
    judge.duplicates = dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), RECORDING)
    damaged = films / "data" / "b.mp4"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    for more in ([], ["--dry-run"]):
        found = states(run, films, *more, status=1)
        assert found["data/b.mp4"] == (
            "failed",
            "b.mp4 differs from its manifest (sha256): it was not handed over",
        )
        assert found["data/a.mp4"][0] == found["data/c.mp4"][0] == "duplicate"
    assert sends(server) == []


def test_a_note_of_ours_is_no_word_either(run: Run, films: Path, judge: Judge, server: Server) -> None:
    """A digest that an earlier run found of what looked like this very file."""
    UploadState(server.url, "another").finish(films / "a.mp4", "/api/v1/uploads/1", "ab" * 32)
    judge.held = {"ab" * 32: RECORDING}
    assert states(run, films, "--dry-run")["a.mp4"][0] == "would_send"


def test_a_length_that_is_known_has_the_file_hashed_and_no_other(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        (films / name).write_bytes(FILM + bytes(number))
    digest = hashlib.sha256((films / "b.mp4").read_bytes()).hexdigest()
    judge.lengths, judge.held = [13, 14], {digest: RECORDING}
    found = states(run, films, "--dry-run")
    assert {name: state for name, (state, _) in found.items()} == {
        "a.mp4": "would_send", "b.mp4": "duplicate", "c.mp4": "would_send",
    }  # fmt: skip
    first, second = ({one["filename"]: "sha256" in one for one in body["files"]} for body in judge.asked)
    assert first == dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), False)
    assert second == {"a.mp4": False, "b.mp4": True, "c.mp4": True}
    assert states(run, films, "--dry-run") == found
    assert len(judge.asked) == 3  # the digests were kept: one question is enough


def test_room_is_asked_for_without_what_turns_out_to_be_held(run: Run, films: Path, judge: Judge) -> None:
    digests = {hashlib.sha256((films / f"{name}.mp4").read_bytes()).hexdigest(): RECORDING for name in "ab"}
    judge.held, judge.quota_left = digests, 6000
    assert [state for state, _ in states(run, films, "--dry-run").values()] == [
        "duplicate", "duplicate", "would_send",
    ]  # fmt: skip


def test_twins_are_sent_once_whatever_batch_they_are_in(
    run: Run, films: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "BATCH", 1)
    (films / "c.mp4").write_bytes((films / "a.mp4").read_bytes())
    found = states(run, films, "--dry-run")
    assert found["a.mp4"][0] == found["b.mp4"][0] == "would_send"
    assert found["c.mp4"] == ("duplicate", "the same bytes as a.mp4")
    bagit.make_bag(str(films), checksums=["sha256"])
    assert states(run, films, "--dry-run")["data/c.mp4"] == ("duplicate", "the same bytes as data/a.mp4")
    digest = hashlib.sha256((films / "data" / "a.mp4").read_bytes()).hexdigest()
    assert sum(one.get("sha256") == digest for body in judge.asked[-2:] for one in body["files"]) == 1


def test_a_damaged_twin_leaves_the_sound_one_to_be_sent(run: Run, films: Path, judge: Judge) -> None:
    (films / "c.mp4").write_bytes((films / "a.mp4").read_bytes())
    bagit.make_bag(str(films), checksums=["sha256"])
    (films / "data" / "a.mp4").write_bytes((films / "data" / "c.mp4").read_bytes()[:-1] + b"!")
    found = states(run, films, "--dry-run", status=1)
    assert (found["data/a.mp4"][0], found["data/c.mp4"][0]) == ("failed", "would_send")


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_an_exercise_that_is_not_there_is_said_once(
    run: Run, films: Path, server: Server, more: list[str]
) -> None:
    server.api = lambda method, path, body: (
        404,
        {"type": "https://cordon.example/problems/not-found", "title": "Nothing is here for you"},
    )
    done = run(upload, films, "--exercise", EXERCISE, *more)
    assert done.exit_code == 1
    assert done.stderr.count("there is no exercise") == len(done.stderr.splitlines()) == 1
    assert "copy its id from its page" in done.stderr
    assert sends(server) == []


def test_when_all_was_sent_before_nothing_is_said_of_the_check(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    state = UploadState(server.url, EXERCISE)
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        state.finish(films / name, f"/api/v1/uploads/{RECORDING}", "ab" * 32)
    document = {"state": "received", "recording_id": None, "reason": None, "reason_code": None}
    server.api = lambda method, path, body: (200, document)
    done = run(upload, films, "--exercise", EXERCISE, "--dry-run")
    assert (done.exit_code, "not asked" in done.stdout) == (0, False)
    shown = json.loads(run(upload, films, "--exercise", EXERCISE, "--dry-run", "--json").stdout)
    assert (shown["checked"], {one["state"] for one in shown["files"]}) == (True, {"sent_before"})


def test_what_a_run_before_hashed_is_told_to_the_check(
    run: Run, films: Path, judge: Judge, server: Server
) -> None:
    """Of another exercise, too: the same film for two exercises is one recording."""
    UploadState(server.url, "another").finish(films / "a.mp4", "/api/v1/uploads/1", "ab" * 32)
    assert run(upload, films, "--exercise", EXERCISE, "--dry-run").exit_code == 0
    told = {one["filename"]: one.get("sha256") for one in judge.asked[0]["files"]}
    assert told == {"a.mp4": "ab" * 32, "b.mp4": None, "c.mp4": None}


def test_receipts_are_kept_for_each_recording(run: Run, films: Path, judge: Judge, server: Server) -> None:
    judge.duplicates = {"a.mp4": RECORDING, "b.mp4": RECORDING, "c.mp4": OTHER}

    def api(method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == f"/api/v1/recordings/{OTHER}/receipt":
            return 403, {"title": "Your role may not"}
        return (200, {"of": path}) if path.endswith("/receipt") else judge(method, path, body)

    server.api = api
    kept = films.parent / "receipts"
    done = run(upload, films, "--exercise", EXERCISE, "--wait", "--receipts", kept, "--json")
    document = json.loads(done.stdout)
    assert document["receipts"] == [str(kept / f"{RECORDING}.json")]
    assert json.loads((kept / f"{RECORDING}.json").read_text())["of"].endswith(f"{RECORDING}/receipt")
    assert (done.exit_code, document["troubles"]) == (1, [f"recording {OTHER}: Your role may not (HTTP 403)"])


def test_a_service_that_is_away_is_waited_for_and_it_is_said(
    run: Run, films: Path, judge: Judge, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.client.upload.retry.SHORTEST_PAUSE", 0.01)
    judge.duplicates = dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), RECORDING)
    away = [503, 503]
    server.api = lambda method, path, body: (
        (away.pop(), {"title": "Back soon"}) if away else judge(method, path, body)
    )
    done = run(upload, films, "--exercise", EXERCISE)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("then going on by itself: Back soon (HTTP 503)") == 2
    away = [503]
    assert run(upload, films, "--exercise", EXERCISE, "--patience", "0").exit_code == 1


def test_many_files_are_asked_in_batches(
    run: Run, films: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "BATCH", 2)
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        (films / name).write_bytes(FILM + bytes(number))
    assert run(upload, films, "--exercise", EXERCISE, "--dry-run").exit_code == 0
    assert [len(body["files"]) for body in judge.asked] == [2, 1]


def test_a_service_without_the_check_is_no_obstacle(run: Run, films: Path, server: Server) -> None:
    server.api = lambda method, path, body: (404, {"title": "Nothing is here for you"})
    done = run(upload, films, "--exercise", EXERCISE, "--dry-run")
    assert done.exit_code == 0
    assert "so it was not asked" in done.stdout


@pytest.mark.parametrize(
    "answer", [{}, {"quota_left": 1, "files": []}, {"quota_left": 1, "files": [1, 2, 3]}]
)
def test_an_answer_that_is_none_is_one_line(run: Run, films: Path, server: Server, answer: object) -> None:
    server.api = lambda method, path, body: (200, answer)
    done = run(upload, films, "--exercise", EXERCISE)
    assert done.exit_code == 1
    assert "answered something else than was asked" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "name files or folders"),
        (["FILMS", "--done", "FILMS"], "--done goes with --watch"),
        (["FILMS", "--receipts", "r"], "--receipts needs --wait"),
        (["FILMS", "--watch", "FILMS"], "--watch goes without PATHS"),
        (["--watch", "FILMS", "--again"], "--watch goes without PATHS, --bag, --again"),
        (["--watch", "FILMS", "--done", "FILMS"], "--done must be another folder"),
        (["FILMS", "--limit", "fast"], "'fast' is no rate"),
        (["FILMS", "--ca", "absent.pem"], "does not exist"),
    ],
)
def test_options_that_do_not_go_together(
    run: Run, films: Path, server: Server, options: list[str], says: str
) -> None:
    words = [str(films) if word == "FILMS" else word for word in options]
    done = run(upload, *words, "--exercise", EXERCISE)
    assert done.exit_code == 2
    assert says in done.stderr
