"""The places of a version's exercises in its splits, from what the dataset fixed before and what shares footage."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.datasets import queries
from app.datasets.models import DatasetItem, DatasetVersion
from app.datasets.splits import Clash, Place, place
from app.recordings.fingerprints import exercise_pairs


def place_items(session: Session, draft: DatasetVersion, items: list[DatasetItem]) -> list[str]:
    """Gives each item its split, or says what stands against it, in sentences; then no item is changed.

    The caller holds the dataset's row lock, so that what is fixed does not grow meanwhile.
    """
    if waiting := queries.uncompared(session, [item.clip_id for item in items]):
        return [
            f"recording “{name}” is still being compared with the others: try again soon" for name in waiting
        ]
    fixed = queries.fixed_places(session, draft.dataset_id)
    exercises = {item.exercise_id for item in items}
    pairs = exercise_pairs(session, exercises | fixed.keys())
    placed, clashes = place(exercises, sorted(pairs), fixed, draft.dataset.salt, draft.splits)
    if clashes:
        return _sentences(session, clashes, fixed)
    for item in items:
        found = placed[item.exercise_id]
        item.split, item.split_by = found.split, found.by
    return []


def _sentences(session: Session, clashes: list[Clash], fixed: dict[UUID, Place]) -> list[str]:
    named = {one for clash in clashes for one in (*clash.new, *clash.fixed)}
    titles = {one.id: f"“{one.title}”" for one in queries.exercises(session, named)}
    found = []
    for clash in clashes:
        there = " and ".join(f"{titles[one]} ({fixed[one].split})" for one in clash.fixed)
        if clash.new:
            new = ", ".join(titles[one] for one in clash.new)
            found.append(
                f"{new} shares footage with {there}, which are in different splits for good: leave it out"
            )
        else:
            found.append(
                f"{there} share footage, and are in different splits for good: leave one of them out"
            )
    return found
