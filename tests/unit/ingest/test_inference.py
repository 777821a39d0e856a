"""Running a model tells nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RUN = """
from app.detector.runtime import Model
from ingest.redact.detectors import CenterFace
Model.load()
CenterFace()
"""


def test_a_session_leaves_no_identity_and_no_queue_of_events(tmp_path: Path) -> None:
    """onnxruntime's telemetry keeps both in the user's cache and a session file among the temporary ones."""
    own = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary")}
    for folder in own.values():
        Path(folder).mkdir()
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "ORT_"))} | own
    subprocess.run([sys.executable, "-c", RUN], env=environ, check=True, timeout=120)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
