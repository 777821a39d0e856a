"""Rules of the house that neither ruff nor import-linter can say: who commits, and who starts processes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_COMMIT = {"app/core/db.py"}
MAY_START_PROCESSES = {"ingest/ffmpeg.py", "ingest/sandbox.py", "app/supervisor.py"}
PROCESS_CALLS = {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"}
PROCESS_PREFIXES = ("exec", "spawn")


@cache
def sources() -> list[tuple[str, ast.Module]]:
    paths = [path for package in ("app", "ingest") for path in sorted((ROOT / package).rglob("*.py"))]
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text()))
        for path in paths
        if "node_modules" not in path.parts
    ]


def commits(tree: ast.AST) -> Iterator[int]:
    """Lines that call a method named `commit`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno


def processes(tree: ast.AST) -> Iterator[int]:
    """Lines that import subprocess or multiprocessing, or call what starts a process through `os`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        if any(name.split(".")[0] in ("subprocess", "multiprocessing", "pty") for name in names):
            yield node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on_os = isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
            if on_os and (node.func.attr in PROCESS_CALLS or node.func.attr.startswith(PROCESS_PREFIXES)):
                yield node.lineno


def test_only_one_module_imports_onnxruntime() -> None:
    """Which is where its telemetry is turned off."""
    found = [
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.Import) and any(alias.name.startswith("onnxruntime") for alias in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("onnxruntime"))
    ]
    assert found == ["ingest/inference.py"]


def test_only_the_transaction_commits() -> None:
    found = [f"{name}:{line}" for name, tree in sources() if name not in MAY_COMMIT for line in commits(tree)]
    assert found == []


def test_only_the_listed_modules_start_processes() -> None:
    found = [
        f"{name}:{line}"
        for name, tree in sources()
        if name not in MAY_START_PROCESSES and not name.startswith("app/embedded/")
        for line in processes(tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess",
        "from subprocess import run",
        "import os\nos.system('x')",
        "import os\nos.execv('x', [])",
    ],
)
def test_rule_on_processes_sees(code: str) -> None:
    assert list(processes(ast.parse(code)))


def test_rule_on_commits_sees() -> None:
    assert list(commits(ast.parse("session.commit()"))) == [1]
