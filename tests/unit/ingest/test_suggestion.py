"""What a file's telemetry suggests, and nothing that a stranger hid in it."""

from __future__ import annotations

import json
from pathlib import Path

from ingest.suggestion import Suggestion, read_suggestion
from ingest.telemetry import TELEMETRY_NAME


def test_telemetry_suggests_camera_serial_and_start(tmp_path: Path) -> None:
    assert read_suggestion(tmp_path) is None
    device = {"name": "", "make": "Axon", "model": "Body\n 3", "serial": "X60A\x001", "firmware": ""}
    told = {"device": device, "started_at": "2026-03-14T09:15:00.000Z", "clock": "container"}
    (tmp_path / TELEMETRY_NAME).write_text(json.dumps(told))
    found = read_suggestion(tmp_path)
    assert found == Suggestion("2026-03-14T09:15:00.000Z", "container", "Axon Body 3", "X60A1")
    nothing = {"device": dict.fromkeys(device, ""), "started_at": None, "clock": None}
    (tmp_path / TELEMETRY_NAME).write_text(json.dumps(nothing))
    assert read_suggestion(tmp_path) is None
