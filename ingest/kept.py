"""Keeps the output of steps in a folder, so that a run that was cut off goes on where it was."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ingest.steps import Step


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """A `StepStore`: one directory a step, named by its key. It grows until somebody removes it."""

    path: Path

    def fetch(self, step: Step, into: Path) -> bool:
        """Copy the step's files into `into`; False when they are not kept."""
        kept = self.path / step.key
        if not kept.is_dir():
            return False
        shutil.copytree(kept, into, dirs_exist_ok=True, symlinks=True)
        return True

    def keep(self, step: Step, made: Path) -> None:
        """Copy what is in `made`; it counts only once it is whole."""
        self.path.mkdir(parents=True, exist_ok=True)
        target = self.path / step.key
        with tempfile.TemporaryDirectory(prefix=".keep-", dir=self.path) as folder:
            copy = Path(
                shutil.copytree(made, Path(folder) / step.key, ignore=shutil.ignore_patterns("source"))
            )
            try:
                copy.rename(target)
            except OSError:
                if not target.exists():  # another worker kept the same step a moment before
                    raise
