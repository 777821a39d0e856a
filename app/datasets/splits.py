"""Which split an exercise falls in: a function of its id and the dataset's salt alone.

The same exercise lands in the same place whatever else is in the dataset, so adding exercises moves none.
HMAC-SHA256 (RFC 2104) of the id under the salt gives 64 uniform bits; they are cut at the proportions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from math import isclose
from uuid import UUID

SPLITS = ("train", "validation", "test")
DEFAULT_PROPORTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def check_proportions(proportions: Mapping[str, float]) -> str:
    """What is wrong with the proportions, or "" when they hold."""
    if set(proportions) != set(SPLITS):
        return "name the splits train, validation and test"
    if any(not 0 <= p <= 1 for p in proportions.values()) or not isclose(
        sum(proportions.values()), 1, abs_tol=1e-9
    ):
        return "each proportion lies from 0 to 1 and they add up to 1"
    return ""


def split_of(exercise_id: UUID, salt: bytes, proportions: Mapping[str, float]) -> str:
    """The split of one exercise."""
    digest = hmac.new(salt, exercise_id.bytes, hashlib.sha256).digest()
    point = int.from_bytes(digest[:8]) / 2**64
    edge = 0.0
    for name in SPLITS:
        edge += proportions[name]
        if point < edge:
            return name
    return next(name for name in reversed(SPLITS) if proportions[name] > 0)  # rounding at the very end
