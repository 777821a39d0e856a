from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.receipt_command import receipt
from app.client.upload.receipts import save_when_given
from app.client.upload.stop import Stop
from tests.factories.hostile_server import Server
from tests.factories.receipts import make_receipt

RECORDING = "0199c1a2-0000-7000-8000-00000000000f"
SERVED = make_receipt(
    recording=RECORDING, received="2026-01-01T09:30:00Z", exercise_title="Drill", exercise="e1"
)
RECEIPT = json.loads(SERVED)
Run = Callable[..., Result]


def test_a_receipt_is_kept_as_it_was_served(run: Run, server: Server, tmp_path: Path) -> None:
    server.api = lambda method, path, body: (200, SERVED)
    file = tmp_path / "kept" / "receipt.json"
    done = run(receipt, RECORDING, "--out", file)
    assert done.exit_code == 0, done.output
    assert file.read_bytes() == SERVED
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(run(receipt, RECORDING, "--out", file, "--json").stdout)["file"] == str(file)
    assert server.requests[-1][1] == f"/api/v1/recordings/{RECORDING}/receipt"


def test_a_receipt_is_printed_as_a_sheet(run: Run, server: Server) -> None:
    server.api = lambda method, path, body: (200, SERVED)
    lines = run(receipt, RECORDING).stdout.splitlines()
    assert lines[0] == "RECEIPT"
    told = dict(
        line.split(maxsplit=1) for line in lines if line.startswith(("File", "Exercise", "Received", "Entry"))
    )
    assert told == {
        "File": "caméra 1.mp4",
        "Exercise": "Drill e1",
        "Received": "2026-01-01T09:30:00Z",
        "Entry": "0 of 2",
    }
    assert f"cordon audit verify {RECORDING}.json --key" in lines[-1]


def test_a_receipt_that_proves_nothing_is_neither_kept_nor_printed(
    run: Run, server: Server, tmp_path: Path
) -> None:
    server.api = lambda method, path, body: (200, SERVED.replace(b"Drill", b"Dream"))
    done = run(receipt, RECORDING, "--out", tmp_path / "receipt.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "does not hold" in done.stderr
    assert not (tmp_path / "receipt.json").exists()


def test_a_recording_of_another_force_has_none(run: Run, server: Server, tmp_path: Path) -> None:
    server.api = lambda method, path, body: (404, {"title": "Nothing is here for you"})
    done = run(receipt, RECORDING, "--out", tmp_path / "receipt.json")
    assert (done.exit_code, done.stderr) == (1, "Error: Nothing is here for you (HTTP 404)\n")
    assert not (tmp_path / "receipt.json").exists()
    assert run(receipt, "not-an-id", "--out", tmp_path / "receipt.json").exit_code == 2


def test_a_receipt_that_is_not_given_yet_is_waited_for(
    session: ApiSession, server: Server, tmp_path: Path
) -> None:
    answers = [(425, {"title": "not yet"}), (409, {"title": "not yet"}), (200, RECEIPT)]
    server.api = lambda method, path, body: answers.pop(0)
    stop = Stop()
    stop.pause = lambda seconds: None  # type: ignore[method-assign]
    saved = save_when_given(session, RECORDING, tmp_path, stop, 60)
    assert json.loads(saved.read_text()) == RECEIPT
    answers[:] = [(409, {"title": "not yet"})]
    with pytest.raises(ClientError, match="later run 'cordon receipt"):
        save_when_given(session, RECORDING, tmp_path, stop, 0)
