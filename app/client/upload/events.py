"""What `cordon upload --watch` says while it runs: a line an event, for a person or (JSON) for a script."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.client.upload.model import Outcome
from app.client.upload.report import document_of, line_of


class Events:
    """Says the same of the same thing only once."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: dict[str, str] = {}

    def outcome(self, outcome: Outcome) -> None:
        """A file's state changed."""
        line = line_of(outcome)
        said = f"{outcome.state} {line}" if self._as_json else line  # people need not know "recorded" apart
        if self._last.get(str(outcome.path)) != said:
            self._last[str(outcome.path)] = said
            self._print(outcome.state, line, document_of(outcome), bad=not outcome.good)

    def moved(self, path: Path, target: Path) -> None:
        self._last.pop(str(path), None)
        self._print("moved", f"moved: {path} to {target}", {"path": str(path), "to": str(target)})

    def receipt(self, recording: str, file: Path) -> None:
        self._print("receipt", f"receipt: {file}", {"recording_id": recording, "file": str(file)})

    def note(self, text: str, about: Path | None = None) -> None:
        """Something else that a person would want to know; once for each thing it is about."""
        key = f"note {about}"
        if self._last.get(key) != text:
            self._last[key] = text
            self._print("note", text, {"message": text, "path": str(about) if about else None}, bad=True)

    def _print(self, event: str, line: str, document: dict[str, Any], *, bad: bool = False) -> None:
        if self._as_json:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            click.echo(json.dumps({"event": event, "at": at, **document}, ensure_ascii=False))
        else:
            click.echo(line, err=bad)
