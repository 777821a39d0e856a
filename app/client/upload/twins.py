"""Files that hold the same bytes as another of the same run: one of them is sent, and the others follow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.client.upload.model import Item, Outcome


@dataclass(frozen=True)
class Twin:
    """A file that is not sent, since the file at `of` has its bytes."""

    item: Item
    of: Path


def shared(items: Iterable[Item], key: Callable[[Item], Hashable]) -> set[Path]:
    """The items whose key another has, too. A key of None is nobody's."""
    keys = {item.path: key(item) for item in items}
    counts = Counter(found for found in keys.values() if found is not None)
    return {path for path, found in keys.items() if counts[found] > 1}


def part_twins(items: Sequence[Item], sent: Iterable[Outcome]) -> tuple[list[Item], list[Twin]]:
    """The items to send and the twins among them, by the digests that the items were found to have.

    `sent` is with the service already and can be what others are twins of.
    """
    first = {one.sha256: one.path for one in sent if one.good and one.sha256}
    kept: list[Item] = []
    twins: list[Twin] = []
    for item in items:
        of = first.setdefault(item.sha256, item.path) if item.sha256 else item.path
        if of == item.path:
            kept.append(item)
        else:
            twins.append(Twin(item, of))
    return kept, twins


def outcomes_of(twins: Iterable[Twin], outcomes: Iterable[Outcome]) -> list[Outcome]:
    """What became of the twins: what became of the files whose bytes they have, which are among the outcomes.

    A file that others were found to be twins of may have become one itself, later on.
    """
    by_path = {one.path: one for one in outcomes}
    found: list[Outcome] = []
    for twin in reversed(list(twins)):
        by_path[twin.item.path] = _follow(twin.item, by_path[twin.of])
        found.insert(0, by_path[twin.item.path])
    return found


def _follow(item: Item, first: Outcome) -> Outcome:
    reason = f"the same bytes as {first.name}"
    own = replace(first, path=item.path, name=item.name, size=item.size, sha256=item.sha256, upload_id=None)
    if first.good:
        return replace(own, state="duplicate", reason=reason)
    return replace(own, reason=f"{reason}: {first.reason}" if first.reason else reason)
