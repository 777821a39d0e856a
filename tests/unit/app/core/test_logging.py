"""Log lines: one a record, machine-readable on demand, each with its request's id."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from app.core.logging import configure, request_id_var


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_hold_time_level_extra_and_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="info", style="json")
    token = request_id_var.set("request-1234")
    try:
        logging.getLogger("app.test").info("upload %s", "done", extra={"bytes": 7})
    finally:
        request_id_var.reset(token)
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("info", "app.test", "upload done")
    assert (entry["bytes"], entry["request_id"]) == (7, "request-1234")
    assert entry["time"].endswith("+00:00")


def test_an_exception_stays_within_its_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure(style="json")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("app.test").exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_text_lines_and_levels(capsys: pytest.CaptureFixture[str]) -> None:
    configure(level="WARNING")
    logging.getLogger("app.test").info("unseen")
    logging.getLogger("app.test").warning("seen", extra={"pid": 3})
    shown = capsys.readouterr().err
    assert "unseen" not in shown
    assert "warning app.test: seen pid=3" in shown
