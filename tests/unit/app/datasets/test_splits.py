"""Splits are a function of an exercise's id and the dataset's salt; what shares footage is never apart."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.splits import (
    DEFAULT_PROPORTIONS,
    SPLITS,
    Clash,
    Place,
    check_proportions,
    place,
    split_of,
)

PROPORTIONS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(
    lambda cut: {
        "train": min(cut) / 100,
        "validation": (max(cut) - min(cut)) / 100,
        "test": (100 - max(cut)) / 100,
    }
)


@given(exercise=st.uuids(), salt=st.binary(min_size=32, max_size=32), proportions=PROPORTIONS)
def test_an_exercise_is_in_one_split_of_some_size(exercise, salt, proportions) -> None:  # type: ignore[no-untyped-def]
    assert check_proportions(proportions) == ""
    found = split_of(exercise, salt, proportions)
    assert proportions[found] > 0
    assert found == split_of(exercise, salt, proportions)


@given(exercise=st.uuids(), salt=st.binary(min_size=32, max_size=32))
def test_growing_the_test_split_moves_nothing_out_of_it(exercise, salt) -> None:  # type: ignore[no-untyped-def]
    """`test` is cut from the top, so an exercise that was sealed once stays sealed when the split grows."""
    before = split_of(exercise, salt, {"train": 0.8, "validation": 0.1, "test": 0.1})
    after = split_of(exercise, salt, {"train": 0.7, "validation": 0.1, "test": 0.2})
    assert before != "test" or after == "test"


def test_proportions_are_met() -> None:
    counts = Counter(split_of(uuid4(), b"s" * 32, DEFAULT_PROPORTIONS) for _ in range(20_000))
    assert {name: round(counts[name] / 20_000, 1) for name in SPLITS} == DEFAULT_PROPORTIONS


def test_bad_proportions_say_what_is_wrong() -> None:
    assert "add up" in check_proportions({"train": 0.5, "validation": 0.1, "test": 0.1})
    assert "name" in check_proportions({"train": 1.0})


SALT = b"s" * 32
EVEN = {"train": 0.4, "validation": 0.3, "test": 0.3}
IDS = [UUID(int=n) for n in range(1, 13)]
PAIRS = st.sets(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda p: p[0] < p[1]), max_size=10
)
CHOSEN = st.sets(st.sampled_from(IDS), min_size=1)


@settings(deadline=None)
@given(drafts=st.lists(st.tuples(CHOSEN, PAIRS), min_size=1, max_size=5))
def test_no_freeze_parts_what_shares_footage_nor_moves_what_was_placed(drafts) -> None:  # type: ignore[no-untyped-def]
    """Version after version, with footage found to be shared in between: each is frozen or refused."""
    fixed: dict[UUID, Place] = {}
    known: set[tuple[UUID, UUID]] = set()
    for exercises, found in drafts:
        known |= found
        placed, clashes = place(exercises, sorted(known), fixed, SALT, EVEN)
        assert all(placed[one] == fixed[one] for one in exercises & fixed.keys())
        for clash in clashes:
            assert len({fixed[one].split for one in clash.fixed}) > 1
            assert exercises & set(clash.new or clash.fixed)
        if clashes:
            continue
        assert placed.keys() == exercises
        fixed_before, fixed = fixed, fixed | placed
        for one, other in known:
            if one in fixed and other in fixed and {one, other} & (exercises - fixed_before.keys()):
                assert fixed[one].split == fixed[other].split
            if {one, other} <= exercises:
                assert placed[one].split == placed[other].split
        for where in placed.values():
            assert where.split == split_of(where.by, SALT, EVEN)


@settings(deadline=None)
@given(exercises=CHOSEN, others=CHOSEN)
def test_exercises_that_share_nothing_are_where_their_id_puts_them(exercises, others) -> None:  # type: ignore[no-untyped-def]
    placed, clashes = place(exercises | others, [], {}, SALT, EVEN)
    assert clashes == []
    assert {one: placed[one] for one in exercises} == place(exercises, [], {}, SALT, EVEN)[0]
    assert all(where == Place(split_of(one, SALT, EVEN), one) for one, where in placed.items())


def test_a_group_goes_where_its_smallest_id_falls_or_where_a_fixed_one_is() -> None:
    a, b, c, d = IDS[:4]
    chain = [(b, c), (c, d)]
    placed, _ = place({b, c, d, a}, chain, {}, SALT, EVEN)
    assert {placed[one].by for one in (b, c, d)} == {b}
    assert placed[a].by == a
    placed, _ = place({b, c}, chain, {d: Place("test", d)}, SALT, EVEN)
    assert placed == {b: Place("test", d), c: Place("test", d)}


def test_what_would_bridge_two_splits_is_named() -> None:
    a, b, c = IDS[:3]
    fixed = {a: Place("train", a), b: Place("test", b)}
    assert place({c}, [(a, c), (b, c)], fixed, SALT, EVEN) == ({}, [Clash((c,), (a, b))])
    assert place({a, b}, [(a, c), (b, c)], fixed, SALT, EVEN) == (fixed, [])
    assert place({a, b}, [(a, b)], fixed, SALT, EVEN)[1] == [Clash((), (a, b))]
    assert place({a}, [(a, b)], fixed, SALT, EVEN) == ({a: fixed[a]}, [])
