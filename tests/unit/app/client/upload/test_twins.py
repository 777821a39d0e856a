"""Files of the same bytes in one run: which is sent, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.client.upload.model import Item, Outcome
from app.client.upload.twins import Twin, outcomes_of, part_twins, shared

A, B = "aa" * 32, "bb" * 32
RECORDING = "0199c1a2-0000-7000-8000-00000000000f"


def item(name: str, sha256: str = "") -> Item:
    return Item(Path(name), 10, name, sha256=sha256)


def test_the_first_is_sent_and_what_was_not_hashed_is_nobodys_twin() -> None:
    items = [item("a", A), item("b", B), item("c", A), item("d"), item("e")]
    kept, twins = part_twins(items, [])
    assert [one.name for one in kept] == ["a", "b", "d", "e"]
    assert twins == [Twin(items[2], Path("a"))]


def test_what_a_run_before_sent_has_twins_unless_it_is_gone() -> None:
    sent = Outcome(Path("x"), "ready", 10, sha256=A, name="x")
    gone = Outcome(Path("y"), "withdrawn", 10, sha256=B, name="y")
    kept, twins = part_twins([item("a", A), item("b", B)], [sent, gone])
    assert ([one.name for one in kept], [twin.of for twin in twins]) == (["b"], [Path("x")])


@pytest.mark.parametrize("state", ["received", "ready", "duplicate", "would_send"])
def test_a_twin_is_handed_over_with_the_first(state: str) -> None:
    first = Outcome(Path("a"), state, 10, "", "upload", RECORDING, A, "a")
    (twin,) = outcomes_of([Twin(item("b", A), Path("a"))], [first])
    assert (twin.state, twin.reason, twin.good) == ("duplicate", "the same bytes as a", True)
    assert (twin.recording_id, twin.upload_id, twin.sha256) == (RECORDING, None, A)


def test_a_twin_may_have_a_twin_that_was_found_before() -> None:
    """As when a manifest tells of two, and hashing of a third."""
    first = Outcome(Path("a"), "ready", 10, name="a")
    found = outcomes_of([Twin(item("c", A), Path("b")), Twin(item("b", A), Path("a"))], [first])
    assert [(one.name, one.state) for one in found] == [("c", "duplicate"), ("b", "duplicate")]


@pytest.mark.parametrize("state", ["failed", "rejected", "interrupted"])
def test_a_twin_of_what_did_not_arrive_did_not_either(state: str) -> None:
    first = Outcome(Path("a"), state, 10, "a reason", name="a")
    (twin,) = outcomes_of([Twin(item("b", A), Path("a"))], [first])
    assert (twin.state, twin.path, twin.reason) == (state, Path("b"), "the same bytes as a: a reason")
    assert not twin.good


def test_a_key_of_none_is_shared_with_nobody() -> None:
    items = [item("a"), item("b"), item("c", A), item("d", A)]
    assert shared(items, lambda one: one.sha256 or None) == {Path("c"), Path("d")}
