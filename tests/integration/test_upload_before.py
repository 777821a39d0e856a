"""`cordon upload` against the real service: what it need not send, and what it must not take for handed over."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import bagit
import pytest
import requests
from sqlalchemy import update

from app.client.http import ApiSession
from app.client.upload import transfer
from app.core.db import Database
from app.core.models import IdempotencyKey
from app.recordings.models import Recording
from app.settings import Settings
from tests.factories.desk import Desk, film_like, make_desk
from tests.factories.home import make_home, make_settings
from tests.factories.server import gunicorn

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Settings, Database]]:
    """One server for all: each test comes as a force of its own."""
    url = new_database()
    settings = make_settings(make_home(tmp_path_factory.mktemp("service") / "home"), url)
    database = Database(url)
    with gunicorn(settings) as address:
        yield address, settings, database
    database.dispose()


@pytest.fixture
def desk(service: tuple[str, Settings, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    address, settings, database = service
    use_machine(tmp_path, monkeypatch, "one")
    return make_desk(settings, database, tmp_path, address)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.mp4").write_bytes(film_like(300_000 + number, bytes([number])))
    return folder


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every PATCH, by its offset."""
    send, offsets = ApiSession.send, []

    def seen(self: ApiSession, method: str, path: str, **arguments: object) -> requests.Response:
        if method == "PATCH":
            offsets.append(arguments["headers"]["Upload-Offset"])  # type: ignore[index]
        return send(self, method, path, **arguments)

    monkeypatch.setattr(ApiSession, "send", seen)
    return offsets


def use_machine(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on the command runs on another machine, which knows nothing of the others."""
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / name))


def flip(path: Path) -> None:
    """One byte becomes another, and the file's time stays, as on a card that fails."""
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def end(desk: Desk, upload_id: str, state: str, code: str, reason: str) -> None:
    """What the force, or the machine, does with a recording."""
    with desk.database.transaction() as session:
        recording = session.get_one(Recording, UUID(upload_id))
        recording.state, recording.reason_code, recording.reason = state, code, reason


def test_a_bag_that_was_damaged_since_is_not_handed_over(
    desk: Desk, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sends: list[str]
) -> None:
    """Neither on the machine that sent it, nor on one that knows its manifest alone."""
    bagit.make_bag(str(films), checksums=["sha256"])
    for one in desk.files(films).values():
        if one["upload_id"]:
            desk.process(one["upload_id"])
    before = len(sends)
    assert desk.run(films).exit_code == 0
    flip(films / "data/1.mp4")
    for name in ("one", "two"):
        use_machine(tmp_path, monkeypatch, name)
        for more in ([], ["--dry-run"]):
            found = desk.files(films, *more, status=1)
            assert found["data/1.mp4"]["state"] == "failed"
            assert "1.mp4 differs from its manifest (sha256)" in found["data/1.mp4"]["reason"]
            assert found["data/2.mp4"]["state"] != "failed"
    assert len(sends) == before


def test_a_bag_that_was_damaged_before_its_answer_was_heard_is_not_handed_over(
    desk: Desk, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every byte had arrived, but the run ended before it knew."""
    bagit.make_bag(str(films), checksums=["sha256"])
    with monkeypatch.context() as broken:
        broken.setattr("app.client.upload.state.UploadState.finish", lambda *_: None)
        assert desk.run(films).exit_code == 0
    flip(films / "data/1.mp4")
    found = desk.files(films, status=1)
    assert [found[f"data/{n}.mp4"]["state"] for n in (1, 2)] == ["failed", "received"]


def test_a_copy_under_another_name_is_found_before_a_byte_is_sent(
    desk: Desk, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sends: list[str]
) -> None:
    first = desk.files(films / "1.mp4")["1.mp4"]
    desk.process(first["upload_id"])
    before = len(sends)
    use_machine(tmp_path, monkeypatch, "two")
    shutil.copy(films / "1.mp4", films / "copy.mp4")
    for more in (["--dry-run"], []):
        found = desk.files(films / "copy.mp4", *more)["copy.mp4"]
        assert (found["state"], found["recording_id"]) == ("duplicate", first["upload_id"])
    assert len(sends) == before
    other = make_desk(desk.settings, desk.database, _folder(tmp_path / "other"), desk.server)
    assert other.files(films / "copy.mp4")["copy.mp4"]["state"] == "received"  # to others nothing is told


def test_twins_are_handed_over_once(
    desk: Desk, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sends: list[str]
) -> None:
    shutil.copy(films / "1.mp4", films / "3.mp4")
    bag = tmp_path / "bag"
    found = desk.files(films, "--bag", bag)
    assert {name: one["state"] for name, one in found.items()} == {
        "1.mp4": "received", "2.mp4": "received", "3.mp4": "duplicate",
    }  # fmt: skip
    assert found["3.mp4"]["reason"] == "the same bytes as 1.mp4"
    assert len(sends) == len(desk.offsets()) == 2
    assert sorted(path.name for path in (bag / "data").iterdir()) == ["1.mp4", "2.mp4", "3.mp4"]
    assert desk.files(films)["3.mp4"]["state"] == "duplicate"
    use_machine(tmp_path, monkeypatch, "two")
    other = make_desk(desk.settings, desk.database, _folder(tmp_path / "other"), desk.server)
    assert other.files(bag)["data/3.mp4"]["reason"] == "the same bytes as data/1.mp4"


def test_what_becomes_a_recording_while_it_is_sent_ends_there(
    desk: Desk, films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sends: list[str]
) -> None:
    """Two machines send the same film; when the second says what its bytes hash to, the first one's is recorded."""
    film = films / "1.mp4"
    first = desk.files(film)["1.mp4"]
    use_machine(tmp_path, monkeypatch, "two")
    monkeypatch.setattr(transfer.Line.__init__, "__defaults__", (100_000,))
    patch = transfer.Transfer._patch

    def meanwhile(self: transfer.Transfer, *arguments: object) -> int:
        if self._offset == 100_000:
            desk.process(first["upload_id"])
        return patch(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer.Transfer, "_patch", meanwhile)
    second = desk.files(film)["1.mp4"]
    assert (second["state"], second["recording_id"]) == ("duplicate", first["upload_id"])
    assert second["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    assert sends[1:] == ["0", "100000", "200000"]
    assert desk.staged() == []


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "erased"])
def test_what_is_not_there_any_more_is_said_and_sent_again_when_asked(
    desk: Desk, films: Path, state: str, sends: list[str]
) -> None:
    film = films / "1.mp4"
    first = desk.files(film)["1.mp4"]
    desk.process(first["upload_id"])
    end(desk, first["upload_id"], state, "code", "the wrong camera")
    for more in (["--dry-run"], []):
        told = desk.run(film, *more)
        assert told.exit_code == 1
        assert told.stderr.splitlines()[0].startswith(
            f"{state}: {film} (300.0 kB): handed over before, then "
        )
        assert "the wrong camera (--again sends it again)" in told.stderr
    assert desk.files(film, "--again", "--dry-run")["1.mp4"]["state"] == "would_send"
    assert len(sends) == 1
    again = desk.files(film, "--again")["1.mp4"]
    assert (again["state"], len(sends)) == ("received", 2)
    assert again["upload_id"] != first["upload_id"]
    desk.process(again["upload_id"])
    assert desk.files(film)["1.mp4"]["state"] == "recorded"


def test_an_exercise_that_is_another_forces_is_said_once(desk: Desk, films: Path, tmp_path: Path) -> None:
    other = make_desk(desk.settings, desk.database, _folder(tmp_path / "other"), desk.server)
    desk.exercise = other.exercise
    for more in (["--dry-run"], []):
        told = desk.run(films, *more)
        assert told.exit_code == 1
        assert told.stderr.count("\n") == 1
        assert f"there is no exercise {other.exercise} for you: copy its id from its page" in told.stderr


def test_a_creation_whose_answer_is_lost_opens_one_upload(
    desk: Desk, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.client.upload.retry.SHORTEST_PAUSE", 0.01)
    send, lost = ApiSession.send, [True, True]

    def losing(self: ApiSession, method: str, path: str, **arguments: object) -> requests.Response:
        answer = send(self, method, path, **arguments)
        if path == "/api/v1/uploads" and lost:
            lost.pop()
            answer.status_code = 502
        return answer

    monkeypatch.setattr(ApiSession, "send", losing)
    assert desk.files(films / "1.mp4")["1.mp4"]["state"] == "received"
    assert len(desk.offsets()) == 1


def test_a_creation_whose_answer_nobody_kept_is_made_anew(
    desk: Desk, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service broke off between its commit and its answer: the first upload's name is known to nobody."""
    monkeypatch.setattr("app.client.upload.retry.SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr("app.client.upload.sender._DOUBT_SECONDS", 0.01)
    send, asked = ApiSession.send, []

    def losing(self: ApiSession, method: str, path: str, **arguments: object) -> requests.Response:
        answer = send(self, method, path, **arguments)
        if path == "/api/v1/uploads":
            asked.append(answer.status_code)
            if len(asked) == 1:
                with desk.database.transaction() as session:
                    session.execute(update(IdempotencyKey).values(status=None, headers=None, body=None))
                answer.status_code = 502
        return answer

    monkeypatch.setattr(ApiSession, "send", losing)
    assert desk.files(films / "1.mp4")["1.mp4"]["state"] == "received"
    assert asked == [201, 409, 409, 201]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
