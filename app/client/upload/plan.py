"""What a run would do: which files go, with which metadata and digests, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.client.upload.bag import Bag, bag_roots, open_bag
from app.client.upload.check import Verdict
from app.client.upload.footage import Candidate, find_footage
from app.client.upload.model import Item, Outcome
from app.client.upload.sidecar import match_rows, read_sidecar
from app.client.upload.twins import Twin


@dataclass
class Plan:
    """`items` are to be sent. `others` need not or cannot be, `before` was by a run before, `twins` have bytes that
    are sent with another file; `notes` are lines that the officer should see."""

    items: list[Item]
    others: list[Outcome] = field(default_factory=list)
    before: list[Outcome] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bags: list[Bag] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    problems: list[str] = field(default_factory=list)

    @property
    def total_bytes(self) -> int:
        """The bytes of what is to be sent, whatever a run before may have sent of it."""
        return sum(item.size for item in self.items)


def make_plan(paths: Sequence[Path], metadata: Path | None) -> Plan:
    """Looks at the files alone. Raises ClientError for a bag or a metadata file that is not right, OSError."""
    found = list(find_footage(paths))
    plan = Plan([Item.of(file) for file in found if not file.skipped and not file.failed])
    plan.others = [other(file) for file in found if file.skipped or file.failed]
    _add_bags(plan, [open_bag(root) for root in bag_roots(paths)])
    if metadata is not None:
        add_metadata(plan, metadata)
    return plan


def other(file: Candidate) -> Outcome:
    """The outcome of a file that is not sent."""
    state = "failed" if file.failed else "skipped"
    return Outcome(file.path, state, file.size, file.failed or file.skipped, name=file.name)


def _add_bags(plan: Plan, bags: list[Bag]) -> None:
    """Gives each item what its bag's manifests say, and leaves what looks like footage outside a payload."""
    items: list[Item] = []
    for item in plan.items:
        real = item.path.resolve()
        bag = next((bag for bag in bags if real.is_relative_to(bag.root)), None)
        if bag is None:
            items.append(item)
        elif real in bag.payload:
            items.append(replace(item, expected=bag.payload[real]))
        else:
            outside = Outcome(item.path, "skipped", item.size, "not in the bag's payload", name=item.name)
            plan.others.append(outside)
    plan.items, plan.bags = items, bags
    for bag in bags:
        bag.verify_others(item.path for item in items)


def add_metadata(plan: Plan, path: Path) -> list[Item]:
    """Gives each item its row's metadata; returns the items without a row. Raises ClientError."""
    files = {item.path: item.name for item in plan.items}
    found, absent = match_rows(read_sidecar(path), path.parent, files)
    plan.items = [
        replace(item, details=found[item.path].details, where=found[item.path].where)
        if item.path in found
        else item
        for item in plan.items
    ]
    plan.notes += [f"{path.name}, {row.where}: {row.file} is not among the footage here" for row in absent]
    without = [item for item in plan.items if item.path not in found]
    plan.notes += [f"{item.name} has no row in {path.name}: it goes without metadata" for item in without]
    return without
