"""Which split an exercise falls in: a function of an exercise's id and the dataset's salt alone.

The same exercise lands in the same place whatever else is in the dataset, so adding exercises moves none. Whose id
decides is the exercise's own, unless it shares footage with others (docs/adr/0011-one-split-for-shared-footage.md).
HMAC-SHA256 (RFC 2104) of the id under the salt gives 64 uniform bits; they are cut at the proportions.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Place:
    """The split of an exercise, and the exercise whose id decided it."""

    split: str
    by: UUID


@dataclass(frozen=True, slots=True)
class Clash:
    """Exercises that share footage and cannot all be in one split: `fixed` ones are in different splits for good.

    `new` ones would have to be with each of them; empty where two fixed ones share footage themselves.
    """

    new: tuple[UUID, ...]
    fixed: tuple[UUID, ...]


def place(
    exercises: Collection[UUID],
    sharing: Iterable[tuple[UUID, UUID]],
    fixed: Mapping[UUID, Place],
    salt: bytes,
    proportions: Mapping[str, float],
) -> tuple[dict[UUID, Place], list[Clash]]:
    """Where each of the exercises goes, so that no two that share footage are apart; and where that cannot be.

    `sharing`: pairs of exercises that share footage. `fixed`: the places that frozen versions of the dataset gave,
    which never change. New ones go where a fixed one is that shares footage with one of their group, else together
    where the smallest id of the group falls. Exercises of a clash have no place.
    """
    pairs = [pair for pair in sharing if all(one in fixed or one in exercises for one in pair)]
    neighbours: dict[UUID, set[UUID]] = defaultdict(set)
    for one, other in pairs:
        neighbours[one].add(other)
        neighbours[other].add(one)
    placed = {one: fixed[one] for one in exercises if one in fixed}
    clashes = [
        Clash((), (one, other))
        for one, other in pairs
        if one in placed and other in placed and fixed[one].split != fixed[other].split
    ]
    for group in _groups({one for one in exercises if one not in fixed}, neighbours):
        near = sorted({other for one in group for other in neighbours[one] if other in fixed})
        if len({fixed[one].split for one in near}) > 1:
            clashes.append(Clash(tuple(group), tuple(near)))
            continue
        chosen = fixed[near[0]] if near else Place(split_of(group[0], salt, proportions), group[0])
        placed |= dict.fromkeys(group, chosen)
    return placed, clashes


def _groups(members: set[UUID], neighbours: Mapping[UUID, set[UUID]]) -> Iterator[list[UUID]]:
    """The members that hang together, each group in order of ids."""
    left = set(members)
    while left:
        group, edge = set[UUID](), {min(left)}
        while edge:
            group |= edge
            edge = {other for one in edge for other in neighbours[one] if other in left} - group
        left -= group
        yield sorted(group)
