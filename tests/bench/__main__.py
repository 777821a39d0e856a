"""`make bench`: every module here that has `run()`, each row a ratio of ours to a peer measured in the same run.

Rows go to build/bench.json; `--save` also to docs/results/bench.json, which the documentation cites. Nothing here
fails for a figure: a goal that is missed is printed and kept as it is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench.json"
SAVED = ROOT / "docs" / "results" / "bench.json"
_COLUMNS = ("name", "ours", "peer", "unit", "ratio", "interval", "goal", "met", "runs", "peer_name")


def main(argv: list[str] | None = None) -> int:
    """Runs what `--only` names (all, without it). Exit status 1 when a benchmark itself failed to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", help="the benchmark of this name: " + ", ".join(names()))
    parser.add_argument("--save", action="store_true", help="keep the rows in docs/results/bench.json too")
    args = parser.parse_args(argv)
    chosen = [name for name in names() if args.only in (None, name)]
    if not chosen:
        parser.error(f"no benchmark {args.only!r}; there are {', '.join(names())}")
    rows, failed = measure(chosen)
    print(table(rows))
    write(rows, BUILD)
    if args.save:
        write(merged(SAVED, rows), SAVED)
    return 1 if failed else 0


def names() -> list[str]:
    """The benchmarks: modules beside this one that define `run`."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    return [name for name in found if "\ndef run(" in (Path(__file__).parent / f"{name}.py").read_text()]


def measure(chosen: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """All rows with where they come from, and the benchmarks that ended in an exception."""
    rows: list[dict[str, Any]] = []
    failed = []
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            rows += [row | origin(name) for row in importlib.import_module(f"tests.bench.{name}").run()]
        except Exception as error:
            failed.append(name)
            print(f"{name} failed: {type(error).__name__}: {error}", file=sys.stderr)
    return rows, failed


def origin(name: str) -> dict[str, Any]:
    """What one needs to repeat a figure: command, commit, date, kind of machine."""
    return {
        "command": f"make bench ONLY={name}",
        "commit": commit(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}",
    }


def commit() -> str:
    """The commit that was measured, marked when the tree differs from it; "unknown" outside a repository."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "app", "ingest")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def merged(path: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is kept already, its rows of these names replaced."""
    kept = json.loads(path.read_text()) if path.exists() else []
    new = {row["name"] for row in rows}
    return sorted([row for row in kept if row["name"] not in new] + rows, key=lambda row: str(row["name"]))


def write(rows: list[dict[str, Any]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    print(f"written to {path.relative_to(ROOT)}" if path.is_relative_to(ROOT) else f"written to {path}")


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as aligned text, one a line."""
    cells = [list(_COLUMNS), *([_cell(row, column) for column in _COLUMNS] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(_COLUMNS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def _cell(row: dict[str, Any], column: str) -> str:
    value = row.get(column)
    if row.get("peer") is None and column == "peer":
        return f"absent: {row.get('reason', '')}"
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, list):
        return "–".join(_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
