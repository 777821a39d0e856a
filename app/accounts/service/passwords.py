"""Passwords: which are good enough, and how they are kept (argon2id, the format Flask-Security reads and writes)."""

from __future__ import annotations

import re
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import InvalidRequest

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
MIN_DIFFERENT = 5
# fmt: off
COMMON = frozenset(
    {
        "password", "passwort", "passw0rd", "p@ssword", "p@ssw0rd", "qwerty", "qwertyuiop", "azerty",
        "letmein", "welcome", "iloveyou", "administrator", "admin", "changeme", "trustno1", "dragon",
        "monkey", "football", "baseball", "superman", "batman", "sunshine", "princess", "starwars",
        "whatever", "secret", "default", "correcthorsebatterystaple", "qwertyuiopasdfghjkl", "1qaz2wsx3edc",
        "zaq12wsx", "abcdefghijkl", "asdfghjkl", "cordon", "police", "firearms", "bodyworn",
    }
)
# fmt: on
_hasher = PasswordHasher()  # argon2-cffi's defaults: RFC 9106's second choice, 64 MiB


class WeakPassword(InvalidRequest):
    type = "weak-password"
    title = "Choose another password"


def check_password(password: str, email: str) -> None:
    """Raises WeakPassword, saying what is wrong, for a short, common or guessable password."""
    folded = _normal(password).casefold()
    if not MIN_CHARACTERS <= len(folded) <= MAX_CHARACTERS:
        raise WeakPassword(f"A password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    if email.casefold() in folded or email.casefold().split("@")[0] in _long_words(folded):
        raise WeakPassword("The password must not contain your e-mail address")
    if folded in COMMON or re.sub(r"[\W\d_]+$|^[\W\d_]+", "", folded) in COMMON or _doubled(folded) in COMMON:
        raise WeakPassword(
            "The password is one of those that are tried first: several unrelated words are better"
        )
    if len(set(folded)) < MIN_DIFFERENT:
        raise WeakPassword(f"The password must have at least {MIN_DIFFERENT} different characters")


def hash_password(password: str) -> str:
    """An argon2id hash with its parameters and salt."""
    return _hasher.hash(_normal(password))


def verify_password(password: str, stored: str | None) -> bool:
    """Whether it is the password; takes as long where there is none stored, so that time tells nothing."""
    try:
        _hasher.verify(_nobody() if stored is None else stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """True when it was hashed with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(32))


def _normal(password: str) -> str:
    """NFKD, as Flask-Security normalises, so that one keyboard's é is another's."""
    return unicodedata.normalize("NFKD", password)


def _long_words(folded: str) -> list[str]:
    return [word for word in re.split(r"[\W_\d]+", folded) if len(word) >= 4]


def _doubled(folded: str) -> str:
    """The half of a word written twice."""
    half = len(folded) // 2
    return folded[:half] if folded == folded[:half] * 2 else folded
