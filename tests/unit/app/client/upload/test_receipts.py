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

RECORDING = "0199c1a2-0000-7000-8000-00000000000f"
RECEIPT = {"recording_id": RECORDING, "sha256": "ab"}
Run = Callable[..., Result]


def test_a_receipt_is_kept_as_it_was_served(run: Run, server: Server, tmp_path: Path) -> None:
    server.api = lambda method, path, body: (200, RECEIPT)
    file = tmp_path / "kept" / "receipt.json"
    done = run(receipt, RECORDING, "--out", file)
    assert done.exit_code == 0, done.output
    assert file.read_bytes() == json.dumps(RECEIPT).encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(run(receipt, RECORDING, "--out", file, "--json").stdout)["file"] == str(file)
    assert server.requests[-1][1] == f"/api/v1/recordings/{RECORDING}/receipt"


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
