"""`cordon init` and `cordon admin` as somebody types them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from app.accounts.commands import admin, init
from app.accounts.models import Organisation, Person
from app.audit.models import AuditEvent
from app.core.db import Database

Run = Callable[..., Any]


@pytest.fixture
def environment(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty home and a database of its own."""
    home = tmp_path / "fresh"
    monkeypatch.setenv("CORDON_HOME", str(home))
    monkeypatch.setenv("CORDON_DATABASE_URL", database_url)
    monkeypatch.delenv("CORDON_SECRET_KEY", raising=False)
    return home


@pytest.fixture
def run(environment: Path) -> Run:
    """Runs a command with --json; what it printed."""

    def typed(*words: str) -> Any:
        result = invoke(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    assert typed("init", "--admin-email", "sam@example.org")
    return typed


def invoke(*words: str) -> Result:
    if words[0] == "init":
        return CliRunner().invoke(init, words[1:])
    return CliRunner().invoke(admin, words)


def test_init_makes_what_is_missing_and_nothing_twice(environment: Path, database: Database) -> None:
    first = invoke("init", "--admin-email", "Sam@example.org", "--json")
    assert first.exit_code == 0, first.output
    said = json.loads(first.stdout)
    assert said["admin"]["activation_code"]
    keys = environment / "keys"
    names = ("secret_key", "master.key", "checkpoint.key")
    assert stat.S_IMODE(environment.stat().st_mode) == 0o700
    assert {stat.S_IMODE((keys / name).stat().st_mode) for name in names} == {0o600}
    before = {name: (keys / name).read_bytes() for name in names}
    again = json.loads(invoke("init", "--admin-email", "sam@example.org", "--json").stdout)
    assert {name: (keys / name).read_bytes() for name in names} == before
    assert again["operator"] == said["operator"]
    assert again["admin"]["id"] == said["admin"]["id"]
    assert again["admin"]["activation_code"] != said["admin"]["activation_code"], (
        "a fresh code, not a stored one"
    )
    with database.transaction() as session:
        assert len(session.scalars(select(Organisation)).all()) == 1
        person = session.scalars(select(Person)).one()
        assert person.roles == ["administrator"]
        person.activation_hash = None
        mine = AuditEvent.tag.in_(["system:init", "organisation:create", "person:create", "person:update"])
        labels = session.scalars(select(AuditEvent.actor_label).where(mine)).all()
        assert len(labels) == 4
        assert set(labels) == {"cordon admin"}
    done = json.loads(invoke("init", "--admin-email", "sam@example.org", "--json").stdout)
    assert done["admin"]["activation_code"] is None, "an activated administrator is left alone"


def test_init_for_people(environment: Path) -> None:
    result = invoke("init", "--admin-email", "sam@example.org")
    assert "sam@example.org: activation code" in result.output
    assert len(result.output.splitlines()) == 2


def test_people_organisations_and_clients(run: Run, tmp_path: Path) -> None:
    force = run("organisation", "add", "North Force", "--kind", "force")
    kim = run(
        *("person", "add", "kim@force.example", "--name", "Kim"),
        *("--organisation", "North Force", "--role", "data_officer"),
    )
    assert kim["organisation_id"] == force["id"]
    assert run("person", "reset", "KIM@force.example")["activation_code"] != kim["activation_code"]
    assert [p["email"] for p in run("person", "list")] == ["kim@force.example", "sam@example.org"]
    pem = tmp_path / "robot.pub"
    key = Ed25519PrivateKey.generate().public_key()
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    robot = run(
        *("client", "add", "robot", "--organisation", force["id"]),
        *("--role", "data_officer", "--public-key", str(pem)),
    )
    assert run("client", "disable", robot["client_id"])["state"] == "disabled"
    assert run("person", "disable", "kim@force.example")["state"] == "disabled"
    assert run("organisation", "disable", "North Force")["state"] == "disabled"
    states = {o["name"]: o["state"] for o in run("organisation", "list")}
    assert states == {"North Force": "disabled", "Operator": "active"}
    assert [c["state"] for c in run("client", "list")] == ["disabled"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("organisation", "add", "Operator", "--kind", "force"), "exists already"),
        (("organisation", "disable", "Operator"), "cannot be disabled"),
        (("organisation", "disable", "Nowhere"), "cordon admin organisation list"),
        (("person", "reset", "nobody@example.org"), "cordon admin person list"),
        (("client", "disable", "cordon-0"), "there is no client"),
        (
            (
                "person",
                "add",
                "a@b.example",
                "--name",
                "A",
                "--organisation",
                "Operator",
                "--role",
                "data_officer",
            ),
            "organisations of kind force",
        ),
    ],
)
def test_what_goes_wrong_is_one_line(run: Run, words: tuple[str, ...], says: str) -> None:
    result = invoke(*words)
    assert result.exit_code == 1
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_before_init_it_says_what_to_do(environment: Path) -> None:
    result = invoke("person", "list")
    assert (result.exit_code, len(result.output.strip().splitlines())) == (1, 1)
    assert "cordon init" in result.output


def test_every_command_shows_an_example() -> None:
    commands = [init, admin, *admin.commands.values()]  # type: ignore[attr-defined]
    for group in list(admin.commands.values()):  # type: ignore[attr-defined]
        commands += group.commands.values()
    assert len(commands) == 15
    for command in commands:
        assert "Example: cordon" in CliRunner().invoke(command, ["--help"]).output, command.name
