"""`cordon upload` against the real service: uploads, resumes across runs, tells what became of each file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import delete

from app.accounts.models import AccessToken
from app.audit.commands import audit
from app.audit.keys import load_checkpoint_key
from app.client.http import ApiSession
from app.client.upload import transfer
from app.core.db import Database
from app.settings import Settings
from app.uploads.models import Upload
from tests.factories.desk import Desk, film_like, make_desk
from tests.factories.home import make_home, make_settings
from tests.factories.recordings import make_film
from tests.factories.server import ROOT, gunicorn, kill_worker, start_worker
from tests.factories.tls_proxy import PASSWORD, TlsProxy, tls_proxy

pytestmark = pytest.mark.slow
HOST = "cordon.example"


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
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    address, settings, database = service
    return make_desk(settings, database, tmp_path, address)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=3)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A camera's card: two films, and what a camera puts beside them."""
    folder = tmp_path / "card" / "DCIM" / "100GOPRO"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"GX01000{number}.MP4").write_bytes(film_like(300_000 + number, bytes([number])))
    (folder / "GL010001.LRV").write_bytes(film_like(5000))
    (folder / "GX010001.THM").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "card"


def small_chunks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(transfer.Line.__init__, "__defaults__", (size,))


def watched_sends(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> list[str]:
    """The offsets of all PATCHes from now on; `before` is called with the number of each."""
    send, offsets = ApiSession.send, []

    def seen(self: ApiSession, method: str, path: str, **arguments: object) -> requests.Response:
        if method == "PATCH":
            offsets.append(arguments["headers"]["Upload-Offset"])  # type: ignore[index]
            before(len(offsets))
        return send(self, method, path, **arguments)

    monkeypatch.setattr(ApiSession, "send", seen)
    return offsets


def test_a_folder_is_handed_over_and_waited_for_and_its_receipt_proven(
    desk: Desk, film: Path, tmp_path: Path
) -> None:
    folder, receipts = tmp_path / "card", tmp_path / "receipts"
    folder.mkdir()
    shutil.copy(film, folder / "a.mp4")
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom" + os.urandom(5000))
    (folder / "notes.mp4").write_text("a text with a film's name")
    worker = start_worker(desk.settings, tmp_path / "worker.log")
    try:
        found = desk.files(folder, "--wait", "--receipts", str(receipts), status=1)
    finally:
        kill_worker(worker)
    assert found["a.mp4"]["state"] == "ready"
    assert found["a.mp4"]["sha256"] == hashlib.sha256(film.read_bytes()).hexdigest()
    receipt = receipts / f"{found['a.mp4']['recording_id']}.json"
    key = str(load_checkpoint_key(desk.settings.checkpoint_key_uri).verifier)
    proven = CliRunner().invoke(
        audit, ["verify", str(receipt), "--key", key, "--file", str(folder / "a.mp4")]
    )
    assert "a.mp4 is that very file" in proven.output, proven.stderr
    assert [one.name for one in receipts.iterdir()] == [receipt.name]
    assert (found["broken.mp4"]["state"], bool(found["broken.mp4"]["reason"])) == ("rejected", True)
    assert (found["notes.mp4"]["state"], found["notes.mp4"]["reason"]) == ("skipped", "not footage")


def test_a_run_that_is_ended_goes_on_from_another_place_of_the_card(
    desk: Desk, card: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As after a reboot, which mounts the card elsewhere; a third run sends nothing."""
    small_chunks(monkeypatch, 100_000)

    def interrupt(number: int) -> None:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)  # the main thread handles it

    sent = watched_sends(monkeypatch, interrupt)
    ended = desk.run(card, "--workers", "1")
    assert ended.exit_code == 3, ended.output
    assert "run the same command to go on" in ended.stderr
    assert sent == ["0", "100000", "200000"]
    moved = tmp_path / "mounted elsewhere"
    card.rename(moved)
    found = desk.files(moved, "--workers", "1")
    assert sent[3:] == ["200000", "300000", "0", "100000", "200000", "300000"]
    film = moved / "DCIM/100GOPRO/GX010001.MP4"
    outcome = found["DCIM/100GOPRO/GX010001.MP4"]
    row = desk.row(outcome["upload_id"])
    assert (row.state, row.declared_sha256) == ("received", hashlib.sha256(film.read_bytes()).digest())
    assert desk.stored(outcome["upload_id"]) == film.read_bytes()
    again = desk.files(moved)
    assert again["DCIM/100GOPRO/GX010001.MP4"]["upload_id"] == outcome["upload_id"]
    assert len(sent) == 9
    reasons = {name.rpartition(".")[2]: one["reason"] for name, one in again.items() if one["reason"]}
    assert "low-resolution copy" in reasons["LRV"]
    assert reasons["THM"] == "a thumbnail"


def test_a_kill_loses_nothing_that_arrived(
    desk: Desk, card: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """kill -9 of the whole command while bytes go out, as when a laptop's battery is empty."""
    film = card / "DCIM/100GOPRO/GX010001.MP4"
    words = ["upload", str(film), "--limit", "400k", "--exercise", str(desk.exercise)]
    words += ["--credentials", str(desk.credentials)]
    command = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words], env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path
    )
    try:
        _until(lambda: any(desk.staged()))
        time.sleep(0.3)
    finally:
        command.kill()
        command.wait()
    _until(lambda: 0 < desk.offsets()[0] < 300_001)
    sent = watched_sends(monkeypatch, lambda _: None)
    outcome = desk.files(film)["GX010001.MP4"]
    assert len(sent) == 1
    assert int(sent[0]) > 0
    assert desk.stored(outcome["upload_id"]) == film.read_bytes()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_same_file_again_is_no_failure(desk: Desk, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = []
    for state in ("one", "two"):  # two machines that know nothing of each other
        monkeypatch.setenv("XDG_STATE_HOME", str(desk.folder / state))
        outcomes.append(desk.files(film)["film.mp4"])
    for outcome in outcomes:
        desk.process(outcome["upload_id"])
    assert desk.row(outcomes[1]["upload_id"]).reason_code == "duplicate"
    done = desk.run(film)
    assert done.exit_code == 0
    assert "handed over before" in done.stdout


def test_errors_are_one_line(desk: Desk, film: Path, tmp_path: Path) -> None:
    text = tmp_path / "readme.txt"
    text.write_text("hello")
    nothing = desk.run(text)
    assert nothing.exit_code == 1
    assert "nothing here is footage" in nothing.stderr
    desk.exercise = UUID("0199c1d2-0000-7000-8000-000000000000")
    foreign = desk.run(film)
    assert foreign.exit_code == 1
    assert foreign.stderr.count("\n") == 1
    assert "copy its id from its page" in foreign.stderr
    assert desk.run(tmp_path / "absent").exit_code == 2


def test_facts_of_a_table_arrive(desk: Desk, card: Path, tmp_path: Path) -> None:
    table = tmp_path / "card.csv"
    table.write_text("file,camera,started_at\nGX010001.MP4,BWC 7,2026-05-04T10:00:00+01:00\nGX9.MP4,x,\n")
    done = desk.run(card, "--metadata", table)
    assert done.exit_code == 0, done.output
    assert "card.csv, row 3: GX9.MP4 is not among the footage here" in done.stderr
    assert "GX010002.MP4 has no row in card.csv" in done.stderr
    row = desk.row(desk.files(card)["DCIM/100GOPRO/GX010001.MP4"]["upload_id"])
    assert row.details["camera"] == "BWC 7"
    assert row.details["started_at"].startswith("2026-05-04T10:00:00+01:00")


def test_bags_are_made_and_are_checked_while_they_are_sent(desk: Desk, card: Path, tmp_path: Path) -> None:
    """The bag that one run makes is handed over by another; a third finds one that was damaged."""
    bag = tmp_path / "bag"
    desk.files(card, "--bag", bag)
    other = make_desk(desk.settings, desk.database, _folder(tmp_path / "other"), desk.server)
    found = other.files(bag)
    one = found["data/DCIM/100GOPRO/GX010001.MP4"]
    assert one["state"] == "received"
    assert one["sha256"] in (bag / "manifest-sha256.txt").read_text()
    damaged = bag / "data/DCIM/100GOPRO/GX010002.MP4"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"!")
    refused = other.run(bag)
    assert refused.exit_code == 1
    assert "GX010002.MP4 differs from its manifest (sha256)" in refused.stderr
    with desk.database.transaction() as session:
        ended = session.query(Upload).filter(Upload.exercise_id == other.exercise, Upload.state == "rejected")
        assert [row.reason_code for row in ended] == ["terminated"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
def proxied(
    desk: Desk, service: tuple[str, Settings, Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Desk, TlsProxy]]:
    """The service under a name that only the inspecting proxy resolves; tokens come past it, by NO_PROXY."""
    address = service[0]
    site = make_desk(
        desk.settings,
        desk.database,
        _folder(tmp_path / "behind"),
        f"https://{HOST}",
        token_endpoint=f"{address}/oauth/token",
    )
    with tls_proxy(address, tmp_path, HOST) as proxy:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name.lower(), raising=False)
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield site, proxy


def test_a_poor_line_behind_a_proxy_that_inspects(
    proxied: tuple[Desk, TlsProxy], card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut twice, and once without its token; every byte arrives, and what is waited for is said."""
    site, proxy = proxied
    monkeypatch.setenv("SSL_CERT_FILE", str(proxy.ca))
    monkeypatch.setattr("app.client.upload.retry.SHORTEST_PAUSE", 0.05)
    small_chunks(monkeypatch, 100_000)
    proxy.cuts = [30_000, 0]

    def forget_tokens(line: str) -> None:
        if line.startswith("PATCH") and sum(one.startswith("PATCH") for one in proxy.seen) == 4:
            with site.database.transaction() as session:
                session.execute(delete(AccessToken))

    proxy.before = forget_tokens
    done = site.run(card, "--json")
    assert done.exit_code == 0, done.output
    assert "then going on by itself" in done.stderr
    for one in json.loads(done.stdout)["files"]:
        if one["state"] == "received":
            assert site.stored(one["upload_id"]) == Path(one["path"]).read_bytes()
    assert any(line.startswith("PATCH") for line in proxy.seen)
    assert not any("/oauth/token" in line for line in proxy.seen)
    assert PASSWORD not in done.output


@pytest.mark.parametrize(
    ("trusts", "password", "says"),
    [
        (False, PASSWORD, "its certificate is not trusted"),
        (True, "wrong", "asks for a name and a password"),
    ],
)
def test_what_stands_in_the_way_is_said_and_no_password(
    proxied: tuple[Desk, TlsProxy],
    card: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusts: bool,
    password: str,
    says: str,
) -> None:
    site, proxy = proxied
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace(PASSWORD, password))
    done = site.run(card, *(["--ca", proxy.ca] if trusts else []))
    assert done.exit_code == 1
    assert says in done.stderr
    assert "officer" not in done.output
    assert password not in done.output
    assert len(done.stderr.splitlines()) == 1


def test_a_drop_folder(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is whole is sent and moved once it is a recording; what is written, no footage or hidden stays."""
    drop, done = _folder(tmp_path / "drop"), _folder(tmp_path / "done")
    (drop / "a.mp4").write_bytes(film_like(200_000))
    (drop / "text.mp4").write_text("no film")
    (drop / "b.mp4.part").write_bytes(film_like(1000))
    (drop / ".hidden.mp4").write_bytes(film_like(1000))
    writing = (drop / "open.mp4").open("wb")
    writing.write(film_like(1000))
    writing.flush()
    watch = ["--watch", drop, "--done", done, "--every", "0.1", "--json"]
    ended = _watch_until(desk, watch, monkeypatch, lambda: (done / "a.mp4").exists())
    assert ended.exit_code == 0, ended.output
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    told = [(one["event"], Path(one["path"]).name) for one in events if one["path"]]
    assert sorted(told) == [
        ("moved", "a.mp4"),
        ("received", "a.mp4"),
        ("recorded", "a.mp4"),
        ("skipped", "text.mp4"),
    ]
    writing.close()
    assert sorted(path.name for path in drop.iterdir()) == [
        ".hidden.mp4",
        "b.mp4.part",
        "open.mp4",
        "text.mp4",
    ]
    (done / "a.mp4").rename(drop / "a.mp4")
    sends = watched_sends(monkeypatch, lambda _: None)
    again = _watch_until(desk, watch, monkeypatch, lambda: (done / "open.mp4").exists())
    assert again.exit_code == 0, again.output
    assert (done / "a.mp4").exists()
    assert len(sends) == 1


def _watch_until(
    desk: Desk, watch: list[str | Path], monkeypatch: pytest.MonkeyPatch, enough: Callable[[], bool]
) -> Result:
    """Plays the worker at each of the watcher's rounds, and ends it with SIGTERM when there is enough."""
    from app.client.upload.watch_after import Aftercare

    tend = Aftercare.tend

    def round_(self: Aftercare) -> None:
        for outcome, _ in list(self._open.values()):
            if outcome.state == "received" and outcome.upload_id:
                desk.process(outcome.upload_id)
        tend(self)
        if enough():
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(Aftercare, "tend", round_)
        return desk.run(*watch)
