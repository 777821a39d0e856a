"""Splits are a function of the exercise's id and the dataset's salt, and of nothing else."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.datasets.splits import DEFAULT_PROPORTIONS, SPLITS, check_proportions, split_of

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
