"""`cordon audit`: a proof file checked offline, the whole log checked, a proof file made."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app.audit.commands import audit
from app.audit.keys import create_checkpoint_key, public_half
from app.audit.service import checkpoint_note, prove
from app.core.db import Database
from app.core.ids import new_id
from app.proofs.note import NoteSigner

Fill = Callable[..., list[UUID]]


@pytest.fixture
def signer(tmp_path: Path) -> NoteSigner:
    return create_checkpoint_key((tmp_path / "checkpoint.key").as_uri(), "log.example/audit")


@pytest.fixture
def proof(db: Database, fill: Fill, tmp_path: Path) -> Path:
    event = fill(5)[2]
    path = tmp_path / "entry.tlog-proof"
    with db.transaction() as session:
        path.write_text(prove(session, event).serialise())
    return path


@pytest.fixture
def run(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("CORDON_HOME", str(tmp_path))
    monkeypatch.setenv("CORDON_SECRET_KEY", "0123456789abcdef0123456789abcdef0123")
    monkeypatch.setenv("CORDON_CHECKPOINT_KEY", (tmp_path / "checkpoint.key").as_uri())
    monkeypatch.setenv("CORDON_DATABASE_URL", db.engine.url.render_as_string(hide_password=False))
    return lambda *arguments: CliRunner().invoke(audit, [str(argument) for argument in arguments])


def test_a_proof_file_is_verified_by_key_or_key_file(
    run: Callable[..., Result], proof: Path, signer: NoteSigner, tmp_path: Path
) -> None:
    for key in (signer.verifier, public_half(tmp_path / "checkpoint.key")):
        done = run("verify", proof, "--key", key)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "verified: upload:complete" in done.output
        assert "index 2 of 5 in log.example/audit" in done.output
    body = json.loads(run("verify", proof, "--key", signer.verifier, "--json").output)
    assert (body["verified"], body["index"], body["size"]) == (True, 2, 5)
    assert body["entry"]["details"]["name"] == "caméra.mp4"


def test_a_changed_proof_file_is_refused(run: Callable[..., Result], proof: Path, signer: NoteSigner) -> None:
    lines = proof.read_text().split("\n")
    lines[2] = "index 3"
    proof.write_text("\n".join(lines))
    done = run("verify", proof, "--key", signer.verifier)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: not verified:")
    assert done.stderr.count("\n") == 1
    assert json.loads(run("verify", proof, "--key", signer.verifier, "--json").output)["verified"] is False
    proof.write_bytes(b"\xff\xfe")
    assert run("verify", proof, "--key", signer.verifier).exit_code == 1


def test_wrong_use_exits_2(run: Callable[..., Result], proof: Path, signer: NoteSigner) -> None:
    assert run("verify", proof).exit_code == 2
    assert run("verify", proof, "--key", "nonsense").exit_code == 2
    assert run("verify", proof, "--key", signer.verifier, "--checkpoint", proof).exit_code == 2
    assert run("verify", "missing.tlog-proof", "--key", signer.verifier).exit_code == 2
    assert run("prove", "not-an-id").exit_code == 2


def test_the_whole_log_is_verified(
    run: Callable[..., Result], db: Database, fill: Fill, tmp_path: Path
) -> None:
    fill(3, 2)
    done = run("verify")
    assert (done.exit_code, done.output) == (0, "verified: 5 entries, 2 checkpoints of log.example/audit\n")
    kept = tmp_path / "kept"
    with db.transaction() as session:
        kept.write_text(checkpoint_note(session))
    assert run("verify", "--checkpoint", kept).exit_code == 0
    with db.transaction() as session:
        session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        session.execute(text("UPDATE audit_events SET purpose = 'changed' WHERE leaf_index = 1"))
        event = session.scalar(text("SELECT id FROM audit_events WHERE leaf_index = 1"))
    done = run("verify")
    assert done.exit_code == 1
    assert f"event {event}: its content differs from its hash" in done.stderr
    body = json.loads(run("verify", "--json").output)
    assert (body["verified"], body["row"]) == (False, f"event {event}")


def test_a_proof_file_is_made_and_verifies(
    run: Callable[..., Result], fill: Fill, signer: NoteSigner, tmp_path: Path
) -> None:
    event, out = fill(4)[1], tmp_path / "out.tlog-proof"
    assert run("prove", event, "--out", out).exit_code == 0
    assert run("verify", out, "--key", signer.verifier).exit_code == 0
    assert run("prove", event).output == out.read_text()
    assert json.loads(run("prove", event, "--json").output)["proof"] == out.read_text()
    missing = run("prove", new_id())
    assert missing.exit_code == 1
    assert "the log has no entry" in missing.stderr


def test_verifying_a_proof_file_loads_no_server_library(proof: Path, signer: NoteSigner) -> None:
    code = (
        "import sys\nfrom app.audit.commands import audit\n"
        "audit(sys.argv[1:], standalone_mode=False)\n"
        "names = {'flask', 'sqlalchemy', 'marshmallow', 'psycopg', 'werkzeug', 'app.core'}\n"
        "print(sorted(names & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "verify", str(proof), "--key", str(signer.verifier)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_whole_log_without_the_servers_packages_says_what_to_install() -> None:
    code = "import sys\nsys.modules['sqlalchemy'] = None\nfrom app.audit.commands import audit\naudit(['verify'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'cordon[server]'" in done.stderr
    assert "Traceback" not in done.stderr
