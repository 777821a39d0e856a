"""The set-up's own logic: which steps are due, and whose registry settings are used."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SETUP = Path(__file__).resolve().parents[3] / "infra" / "setup"
ROOT = SETUP.parents[1]


def load(name: str) -> ModuleType:
    """Imports a set-up module as the script does: its own directory is on the path."""
    sys.path.insert(0, str(SETUP))
    try:
        return __import__(name)
    finally:
        sys.path.remove(str(SETUP))


def checkout(root: Path) -> Path:
    """The parts of a checkout that the steps look at."""
    for name in ("infra/requirements", "infra/setup"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "pyproject.toml", root)
    (root / "app/web/static_src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"):
        shutil.copy(ROOT / "app/web" / name, root / "app/web" / name)
    (root / "app/web/static_src/main.ts").write_text("export {};\n")
    (root / ".venv/bin").mkdir(parents=True)
    return root


def names(root: Path, lock: str) -> dict[str, str]:
    steps, stamps = load("steps"), load("stamps")
    kept = stamps.Stamps(root / ".venv/stamps.json")
    return {step.name: step.digest for step in steps.plan(steps.Workshop(root), lock, kept)}


def test_changed_source_is_built_again_and_nothing_else(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    before = names(root, "runtime")
    (root / "app/web/static_src/main.ts").write_text("export const changed = 1;\n")
    after = names(root, "runtime")
    assert {name for name in before if before[name] != after[name]} == {"web build"}


def test_who_has_the_tools_of_the_tests_has_the_service(tmp_path: Path) -> None:
    root, stamps = checkout(tmp_path), load("stamps")
    assert "packages runtime" in names(root, "runtime")
    lock = root / "infra/requirements/dev.txt"
    stamps.Stamps(root / ".venv/stamps.json").put("packages dev", stamps.digest(files=[lock]))
    assert "packages dev" in names(root, "runtime")
    lock.write_text(lock.read_text() + "# changed\n")
    assert "packages runtime" in names(root, "runtime")


def test_damaged_stamps_only_cost_time(tmp_path: Path) -> None:
    path = tmp_path / "stamps.json"
    path.write_text("{broken")
    stamps = load("stamps").Stamps(path)
    assert stamps.get("uv") is None
    stamps.put("uv", "1")
    assert load("stamps").Stamps(path).get("uv") == "1"


def test_mirror_of_pip_becomes_uvs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "mirror.invalid")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    env = load("registries").environment(tmp_path, tmp_path / ".venv/bin/python")
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.invalid/simple"
    assert env["UV_INSECURE_HOST"] == "mirror.invalid"
    assert "UV_CACHE_DIR" not in env
    assert env["PATH"].startswith(str(tmp_path / ".venv/bin"))


def test_uvs_own_setting_is_left_alone_and_a_missing_home_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.invalid/simple")
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    env = load("registries").environment(tmp_path, tmp_path / ".venv/bin/python")
    assert env["UV_DEFAULT_INDEX"] == "https://other.invalid/simple"
    assert env["UV_CACHE_DIR"] == str(tmp_path / "build/cache/uv")


def test_failed_step_says_which_and_what_to_do(tmp_path: Path) -> None:
    steps = load("steps")
    (tmp_path / "build").mkdir()
    shop = steps.Workshop(checkout(tmp_path))
    with pytest.raises(steps.SetupError, match=r"(?s)front end \(exit 3\).*it broke.*what to do: mend it"):
        shop.run("front end", "mend it", sys.executable, "-c", "print('it broke'); exit(3)")
    assert "it broke" in (tmp_path / "build/setup.log").read_text()


def test_wrong_use_is_refused() -> None:
    result = subprocess.run(
        [sys.executable, SETUP / "bootstrap.py", "everything"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "usage" in result.stderr
