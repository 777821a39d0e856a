"""What bad input gets from commands: status 1 and one line that says what is wrong, and nothing of it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import cli
from app.manifest.keys import new_private_pem
from ingest.__main__ import main as ingest_command
from tests.factories.collection import SLUG, Collection
from tests.factories.hostile_server import Server, running_server
from tests.factories.refusals import failed
from tests.media.synthetic import cut_short, index_first

Cordon = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


@pytest.fixture
def cordon(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cordon:
    """The command with a partner's credentials at that server."""
    said = {"server": server.url, "client_id": "partner-1", "private_key": "client.pem"}
    (tmp_path / "client.pem").write_bytes(new_private_pem(None).private)
    (tmp_path / "credentials.json").write_text(json.dumps(said))
    for secret in ("client.pem", "credentials.json"):
        (tmp_path / secret).chmod(0o600)
    monkeypatch.setenv("CORDON_CREDENTIALS", str(tmp_path / "credentials.json"))
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


def _pull(cordon: Cordon, collection: Collection, directory: Path) -> Result:
    return cordon("pull", SLUG, "--dir", directory, "--fingerprint", collection.fingerprint)


def _published(server: Server, age: timedelta = timedelta()) -> Collection:
    collection = Collection(now=lambda: datetime.now(UTC) - age)
    collection.release()
    server.serve_collection(collection)
    return collection


def test_a_tampered_shard_is_not_pulled(cordon: Cordon, server: Server, tmp_path: Path) -> None:
    collection = _published(server)
    path = f"/tuf/{SLUG}/targets/{collection.shard_names()[0]}"
    server.files[path] = server.files[path][:-1] + b"!"
    failed(_pull(cordon, collection, tmp_path / "release"), "wrong SHA-256")
    kept = [one.name for one in (tmp_path / "release").glob("shards/*")]
    assert path.rpartition(".")[0].rpartition(".")[2] + ".tar" not in kept


def test_a_shard_tampered_with_afterwards_is_named(cordon: Cordon, server: Server, tmp_path: Path) -> None:
    assert _pull(cordon, _published(server), tmp_path / "release").exit_code == 0
    shard = tmp_path / "release" / "shards" / "000000.tar"
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    answer = cordon("verify", tmp_path / "release")
    assert answer.exit_code == 1
    assert "tampered: shards/000000.tar" in answer.stderr


def test_an_expired_timestamp_is_refused(cordon: Cordon, server: Server, tmp_path: Path) -> None:
    collection = _published(server, age=timedelta(days=5))
    failed(_pull(cordon, collection, tmp_path / "release"), "expired")
    assert not list((tmp_path / "release").glob("shards/*"))


def test_wrong_credentials_are_said_in_one_line(cordon: Cordon, server: Server, tmp_path: Path) -> None:
    collection = _published(server)
    server.token_status = 401
    failed(_pull(cordon, collection, tmp_path / "release"), "gave no token")


def _empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def _text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("a shopping list\n" * 50)
    return folder / "text.mp4"


def _truncated(folder: Path) -> Path:
    return cut_short(index_first(folder / "whole.mp4"), folder / "cut.mp4", 0.5)


@pytest.mark.parametrize(
    ("make", "code"), [(_empty, "empty"), (_text, "not_media"), (_truncated, "truncated")]
)
def test_a_file_that_is_no_footage(
    make: Callable[[Path], Path], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = make(tmp_path)
    assert ingest_command([str(file), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"ingest: {file}: ")
    assert said.err.endswith(f"[{code}]\n")
    assert list((tmp_path / "out").iterdir()) == []
