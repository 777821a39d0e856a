"""A sealed secret opens only for its owner, under its key, unchanged."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.service.sealing import seal, unseal
from app.core.sealing import SealError

KEY = "k" * 20 + "0123456789abcdef"


@given(st.text(max_size=200), st.binary(max_size=32))
def test_round_trip_hides_the_plain_text(plain: str, owner: bytes) -> None:
    sealed = seal(KEY, plain, owner=owner)
    assert unseal(KEY, sealed, owner=owner) == plain
    assert seal(KEY, plain, owner=owner) != sealed


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(position: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(seal(KEY, "JBSWY3DPEHPK3PXP", owner=b"a").removeprefix("v1.")))
    raw[position % len(raw)] ^= flip
    with pytest.raises(SealError):
        unseal(KEY, "v1." + base64.urlsafe_b64encode(raw).decode(), owner=b"a")


def test_another_owner_or_key_opens_nothing() -> None:
    sealed = seal(KEY, "seed", owner=b"a")
    for key, owner in ((KEY, b"b"), (KEY + "x", b"a")):
        with pytest.raises(SealError):
            unseal(key, sealed, owner=owner)


@pytest.mark.parametrize("junk", ["", "v1.", "v1.!!!", "v1.AAAA"])
def test_junk_is_refused(junk: str) -> None:
    with pytest.raises(SealError):
        unseal(KEY, junk, owner=b"a")
