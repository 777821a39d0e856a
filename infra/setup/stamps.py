"""Remembers which set-up step was last done from which inputs, so that a warm start costs a few hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def digest(*parts: str, files: Iterable[Path] = ()) -> str:
    """SHA-256 over words and the files' names and contents, in the given order."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() + b"\0")
    for path in files:
        total.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


class Stamps:
    """One small JSON file inside the virtual environment: it goes when the environment goes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def get(self, step: str) -> str | None:
        """The digest of the inputs from which `step` was last done."""
        return self._known.get(step)

    def put(self, step: str, value: str) -> None:
        """Records `step` as done."""
        self._known[step] = value
        self._path.write_text(json.dumps(self._known, indent=1, sort_keys=True) + "\n")
