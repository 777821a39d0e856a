"""RFC 6238's own vectors, the window of one step, and that a step is good once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from passlib.totp import TOTP

from app.accounts.service import totp

RFC_SEED = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),  # RFC 6238 appendix B, the last six digits
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
    ],
)
def test_rfc_6238_vectors(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.matched_step(RFC_SEED, code, at=at, last_step=None) == seconds // 30


@given(st.integers(10**9, 2 * 10**9), st.integers(-4, 4))
def test_one_step_early_or_late_and_never_twice(seconds: int, away: int) -> None:
    seed = totp.new_secret()
    at = datetime.fromtimestamp(seconds, UTC)
    code = TOTP(key=seed, format="base32").generate(at + timedelta(seconds=30 * away)).token
    step = totp.matched_step(seed, code, at=at, last_step=None)
    assert step == (seconds // 30 + away if abs(away) <= 1 else None)
    if step is not None:
        assert totp.matched_step(seed, code, at=at, last_step=step) is None
        assert totp.matched_step(seed, code, at=at, last_step=step + 1) is None


@given(st.text(max_size=12))
def test_anything_typed_is_only_refused(typed: str) -> None:
    at = datetime.fromtimestamp(59, UTC)
    step = totp.matched_step(RFC_SEED, typed, at=at, last_step=None)
    assert step is None or "".join(c for c in typed if c.isdigit())


def test_the_seed_has_160_bits_and_its_address_names_us() -> None:
    seed = totp.new_secret()
    assert len(base64.b32decode(seed)) == 20
    uri = totp.provisioning_uri(seed, "kim@force.example")
    assert uri.startswith("otpauth://totp/Cordon:kim@force.example?")
    assert f"secret={seed}" in uri
