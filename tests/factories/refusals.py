"""What a refusal must look like: one line that says what and why, whether raised or printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from app.client.errors import ClientError


def refused(do_pull: Callable[[], object], match: str) -> str:
    with pytest.raises(ClientError, match=match) as caught:
        do_pull()
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def failed(result: Result, message: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
