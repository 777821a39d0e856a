"""Which passwords are refused, and that a hash never answers for another password."""

from __future__ import annotations

import unicodedata

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts.service.passwords import (
    WeakPassword,
    check_password,
    hash_password,
    needs_rehash,
    verify_password,
)

EMAIL = "kim.sample@force.example"


@pytest.mark.parametrize("good", ["four quiet otters swim", "nine-mauve-lamps-7", "Łódź w deszczu i mgle"])
def test_unrelated_words_are_good(good: str) -> None:
    check_password(good, EMAIL)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("short", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("kim.sample@force.example!", "e-mail"),
        ("I am KIM.SAMPLE@FORCE.EXAMPLE", "e-mail"),
        ("password123456", "tried first"),
        ("123!!!Password", "tried first"),
        ("qwertyuiopasdfghjkl", "tried first"),
        ("passwordpassword", "tried first"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("abababababababab", "different characters"),
    ],
)
def test_weak_ones_are_refused_with_the_reason(bad: str, why: str) -> None:
    with pytest.raises(WeakPassword, match=why):
        check_password(bad, EMAIL)


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_only_the_password_verifies(one: str, other: str) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    stored = hasher.hash(unicodedata.normalize("NFKD", one))
    same = unicodedata.normalize("NFKD", one) == unicodedata.normalize("NFKD", other)
    assert verify_password(other, stored) == same
    assert verify_password(one, stored)


def test_stored_as_argon2id_and_normalised() -> None:
    stored = hash_password("caf\u00e9 with composed accent")
    assert stored.startswith("$argon2id$")
    assert verify_password("cafe\u0301 with composed accent", stored)


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$broken"])
def test_nothing_verifies_against_what_is_no_hash(stored: str | None) -> None:
    assert not verify_password("nobody has this password", stored)


def test_weaker_parameters_are_noticed() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
    assert needs_rehash(weak)
    assert not needs_rehash(hash_password("x"))
