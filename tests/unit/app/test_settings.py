"""Settings: every variable is documented, and nothing weak or malformed is let through."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTED = re.findall(
    r"^\| `(CORDON_[A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE
)
NOT_VARIABLES = {"CORDON_SURFACE"}  # a key of Flask's configuration
STRONG = "correct-horse-battery-staple-0123456789"


def _read(tmp_path: Path, **given: str) -> Settings:
    return Settings.from_environ({"CORDON_HOME": str(tmp_path), "CORDON_SECRET_KEY": STRONG} | given)


def test_every_variable_of_the_code_is_documented_once_and_nothing_else_is() -> None:
    read = {field.metadata["env"] for field in fields(Settings)}
    for source in (
        *(ROOT / "app").rglob("*.py"),
        *(ROOT / "ingest").rglob("*.py"),
        ROOT / "tests" / "conftest.py",
    ):
        if "node_modules" not in source.parts:
            read |= set(re.findall(r"[\"'](CORDON_[A-Z_]*[A-Z])[\"']", source.read_text()))
    assert sorted(DOCUMENTED) == sorted(read - NOT_VARIABLES)


def test_only_home_and_secret_are_needed_and_files_lie_in_the_home(tmp_path: Path) -> None:
    settings = _read(tmp_path)
    assert settings.storage_url == f"file://{tmp_path}/objects"
    assert settings.master_key_uri == f"file://{tmp_path}/keys/master.key"
    assert (settings.bind_host, settings.metrics_port) == ("127.0.0.1", 0)


def test_the_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret_key").write_text(STRONG + "\n")
    assert Settings.from_environ({"CORDON_HOME": str(tmp_path)}).secret_key == STRONG


def test_secrets_are_not_shown_by_repr(tmp_path: Path) -> None:
    shown = repr(_read(tmp_path, CORDON_DATABASE_URL="postgresql+psycopg://u:hush@h/d"))
    assert STRONG not in shown
    assert "hush" not in shown


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CORDON_SECRET_KEY", "short"),
        ("CORDON_SECRET_KEY", "a" * 64),
        ("CORDON_LOG_FORMAT", "xml"),
        ("CORDON_LOG_LEVEL", "loud"),
        ("CORDON_METRICS_PORT", "ninety"),
        ("CORDON_CLIP_SECONDS", "-1"),
        ("CORDON_STAFF_URL", "ftp://files.example"),
        ("CORDON_STAFF_URL", "http://staff.example"),
        ("CORDON_PARTNER_URL", "http:///nowhere"),
        ("CORDON_BROWSER_UPLOADS", "ftp"),
        ("CORDON_BROWSER_UPLOADS", "direct"),  # to footage on a local disk
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        _read(tmp_path, **{variable: value})


def test_a_missing_secret_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cordon init"):
        Settings.from_environ({"CORDON_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Staff.example/", "https://staff.example"),
        ("https://staff.example:443", "https://staff.example"),
        ("https://staff.example:8443/cordon", "https://staff.example:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_the_origin_is_as_browsers_name_it(tmp_path: Path, address: str, origin: str) -> None:
    assert _read(tmp_path, CORDON_STAFF_URL=address).staff_origin == origin
