"""The commands as people and scripts use them: exit status, one-line errors, JSON, no progress in a pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from app.client import commands
from tests.factories.collection import SLUG, Collection
from tests.factories.hostile_server import Server
from tests.factories.refusals import failed

Run = Callable[..., Result]
ALL = [
    commands.list_releases,
    commands.pull,
    commands.verify,
    commands.sign,
    commands.keys_new,
    commands.ceremony,
]


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_help_has_an_example(run: Run, command: Any) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Example: cordon " in result.output
    assert "--json" in result.output


@pytest.mark.parametrize("command", ALL, ids=lambda command: command.name)
def test_a_wrong_option_is_status_two(run: Run, command: Any) -> None:
    assert run(command, "--nonsense").exit_code == 2


def test_list(run: Run, server: Server) -> None:
    item = {
        "id": "r-1",
        "collection": SLUG,
        "number": 3,
        "state": "published",
        "clip_count": 9,
        "total_bytes": 1500,
    }
    server.api = lambda method, path, body: (200, {"items": [item], "next_cursor": None})
    assert run(commands.list_releases).output == f"{SLUG}  release 3  published  9 clips  1.5 kB  r-1\n"
    assert json.loads(run(commands.list_releases, "--json").output) == [item]
    server.api = lambda method, path, body: (200, {"items": [], "next_cursor": None})
    assert "No release is granted" in run(commands.list_releases).output


def test_pull_and_verify(run: Run, collection: Collection, directory: Path) -> None:
    first = run(commands.pull, SLUG, "--dir", directory, "--fingerprint", collection.fingerprint)
    assert first.exit_code == 0, first.output
    assert first.stderr == ""
    assert "9 clips" in first.output
    again = json.loads(run(commands.pull, SLUG, "--dir", directory, "--json").output)
    assert again["unchanged"] is True
    assert again["requests"] == 2
    assert "Good: " in run(commands.verify, directory).output
    assert json.loads(run(commands.verify, directory, "--json").output)["good"] is True


def test_verify_names_a_tampered_file_and_fails(run: Run, collection: Collection, directory: Path) -> None:
    run(commands.pull, SLUG, "--dir", directory, "--fingerprint", collection.fingerprint)
    (directory / "shards" / "000000.tar").write_bytes(b"x")
    result = run(commands.verify, directory)
    assert result.exit_code == 1
    assert "tampered: shards/000000.tar" in result.stderr
    as_json = run(commands.verify, directory, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["tampered"] == ["shards/000000.tar"]
    failed(run(commands.verify, directory, "--as-of", "2099-01-01"), "expired on")
    assert run(commands.verify, directory, "--as-of", "yesterday").exit_code == 2


def test_pull_fails_in_one_line(run: Run, collection: Collection, server: Server, directory: Path) -> None:
    failed(run(commands.pull, SLUG, "--dir", directory), "give --fingerprint")
    server.token_status = 401
    failed(
        run(commands.pull, SLUG, "--dir", directory, "--fingerprint", collection.fingerprint), "gave no token"
    )


def test_keys_new(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "approver.pem"
    made = json.loads(run(commands.keys, "new", "--out", path, "--json").output)
    assert b"ENCRYPTED" in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "approver.pem.pub").read_text() == made["pem"]
    failed(run(commands.keys, "new", "--out", path), "never overwritten")
    machine = run(commands.keys, "new", "--out", tmp_path / "client.pem2", "--machine")
    assert "Fingerprint " in machine.output
    assert b"ENCRYPTED" not in (tmp_path / "client.pem2").read_bytes()


def test_keys_new_needs_a_passphrase(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORDON_KEY_PASSPHRASE")
    failed(run(commands.keys, "new", "--out", tmp_path / "k.pem"), "set CORDON_KEY_PASSPHRASE")
    assert not (tmp_path / "k.pem").exists()
