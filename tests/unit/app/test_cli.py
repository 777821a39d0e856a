"""The command `cordon` as a whole: what it lists, and what listing costs."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from app.cli import COMMANDS, cli

HEAVY = {"flask", "sqlalchemy", "numpy", "boto3", "cryptography"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_each_command_says_of_itself(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name].summary.removesuffix("."))


def test_the_list_names_all_and_imports_none() -> None:
    code = "import sys; from app.cli import main; sys.argv[1:] = ['--help']\ntry: main()\nfinally: print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    listed, _, modules = said.partition("Commands:")[2].rpartition("\n  worker")
    assert [line.split()[0] for line in listed.splitlines() if line.strip()] == sorted(COMMANDS)[:-1]
    assert not HEAVY & set(modules.split())
