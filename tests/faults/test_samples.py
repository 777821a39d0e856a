"""A short, seeded run of the campaigns; all of each is `make campaign`."""

from __future__ import annotations

import secrets

import pytest

from tests.faults.__main__ import hold, sampled

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sampled())
def test_nothing_is_found(name: str) -> None:
    result = hold(name, secrets.randbelow(10**6), sample=True)
    assert result["cases"] > 0
    assert result["failures"] == [], f"repeat: make campaign ONLY={name} SEED={result['seed']} SAMPLE=1"
