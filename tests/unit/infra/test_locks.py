"""The locks: they hold what pyproject.toml asks for, with hashes, and name no address."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "infra" / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = ("server", "ingest", "detector", "embedded", "sample", "web")
ENTRY = re.compile(r"^(?P<name>[a-z0-9._-]+)(?:\[[a-z,]+\])?==(?P<version>\S+)", re.MULTILINE)


def asked(extras: tuple[str, ...]) -> list[Requirement]:
    lines = [
        *PROJECT["dependencies"],
        *(line for name in extras for line in PROJECT["optional-dependencies"][name]),
    ]
    return [requirement for line in lines if (requirement := Requirement(line)).name != "cordon"]


def locked(name: str) -> dict[str, set[str]]:
    """Versions by package; a universal lock may hold one for each Python version."""
    found: dict[str, set[str]] = {}
    for match in ENTRY.finditer((REQUIREMENTS / name).read_text()):
        found.setdefault(match["name"], set()).add(match["version"])
    return found


@pytest.mark.parametrize(("lock", "extras"), [("runtime.txt", RUNTIME), ("dev.txt", (*RUNTIME, "dev"))])
def test_lock_satisfies_the_project(lock: str, extras: tuple[str, ...]) -> None:
    versions = locked(lock)
    for requirement in asked(extras):
        held = versions.get(canonicalize_name(requirement.name), set())
        assert any(map(requirement.specifier.contains, held)), f"{requirement}: run 'make lock'"


def test_development_holds_all_of_runtime_at_the_same_versions() -> None:
    runtime, development = locked("runtime.txt"), locked("dev.txt")
    assert runtime
    assert {name: development.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("lock", ["bootstrap.txt", "runtime.txt", "dev.txt"])
def test_every_entry_has_hashes_and_no_address(lock: str) -> None:
    text = (REQUIREMENTS / lock).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if "==" in entry]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "torch" not in locked(lock)


@pytest.mark.parametrize("folder", ["app/web", "infra/setup/chromium"])
def test_npm_lock_has_integrity_and_no_download_address(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    others = {name: entry for name, entry in packages.items() if name}
    assert others
    for name, entry in others.items():
        assert "integrity" in entry, name
        assert "resolved" not in entry, name
