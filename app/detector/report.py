"""Facts that stand in every result file: command, commit, versions, seeds, data."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from app.detector.evaluate import measure_real, measure_synthetic
from app.detector.runtime import Model

SYNTHETIC_SCENES = 200


def commit() -> str:
    """The commit of the checkout that this package runs from, or `unknown` outside one; read, not run."""
    git = Path(__file__).resolve().parents[2] / ".git"
    try:
        head = (git / "HEAD").read_text("utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        loose = git / name
        if loose.is_file():
            return loose.read_text("utf-8").strip()
        lines = (git / "packed-refs").read_text("utf-8").splitlines()
        return next((line.split()[0] for line in lines if line.endswith(f" {name}")), "unknown")
    except OSError:
        return "unknown"


def versions(*packages: str) -> dict[str, str]:
    """Python's version and those of the named distributions."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}


def evaluation_report(model: Model, sound: Path | None, seed: int, minutes: int) -> dict[str, Any]:
    """The result file of `cordon detector evaluate`; real and synthetic figures stand apart. Raises BadCorpus."""
    where = " --sound SOUND" if sound else ""
    return {
        "what": "reference detector, scratch trunk",
        "command": f"cordon detector evaluate{where} --seed {seed} --minutes {minutes}",
        "commit": commit(),
        "versions": versions("cordon", "numpy", "onnxruntime"),
        "seed": seed,
        "model_sha256": model.digest,
        "thresholds": model.thresholds,
        "real_recordings": measure_real(model, sound, seed, minutes) if sound else None,
        "synthetic": measure_synthetic(model, seed, SYNTHETIC_SCENES),
    }
