"""Attributes of an annotation: small, plain, and such as any reader of JSON takes."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from app.annotation.schemas import LabelSchema

LABEL = {"kind": "event", "label": "gunshot", "start_frame": 0, "end_frame": 1}


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 10**400, "x" * 2_001, [], {}])
def test_what_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="attributes"):
        LabelSchema().load(LABEL | {"attributes": {"a": value}})


@pytest.mark.parametrize("value", ["near", 0.5, -3, True, None])
def test_what_is_kept(value: Any) -> None:
    assert LabelSchema().load(LABEL | {"attributes": {"a": value}}).attributes == {"a": value}
