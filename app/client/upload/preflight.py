"""Before anything is sent: what need not be, and what speaks against it. A dry run and a real one do the same.

No file counts as the same as another on the word of a manifest, or of a note of ours: its own bytes are hashed first.
Beyond that files are hashed only where that may save their sending: where the force has a file of just that length, or
the run has another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.terminal import human_bytes
from app.client.upload.before import sent_before
from app.client.upload.check import ask, room_problem
from app.client.upload.crew import do_all
from app.client.upload.digests import verified
from app.client.upload.model import Item, Outcome, failed
from app.client.upload.plan import Plan
from app.client.upload.retry import Patience
from app.client.upload.state import UploadState
from app.client.upload.stop import Stop
from app.client.upload.transfer import patiently
from app.client.upload.twins import part_twins, shared

_WORTH_SAYING: Final = 100 * 10**6  # bytes to hash, above which it takes long enough to be told


@dataclass
class Preflight:
    """For one exercise. `patience` makes one for each question; `says` tells a person what takes long.

    With `again`, what was rejected, withdrawn or erased is to be sent again.
    """

    api: ApiSession
    exercise: str
    state: UploadState
    stop: Stop
    patience: Callable[[], Patience]
    says: Callable[[str], None]
    workers: int = 1
    again: bool = False
    noted: dict[Path, str | None] = field(default_factory=dict)  # digests that runs before found

    def check(self, plan: Plan) -> None:
        """Leaves in `plan.items` what is to be sent. Raises ClientError where nothing can be, Interrupted."""
        self._set_aside_sent(plan)
        self._set_aside_twins(plan)
        self._ask(plan)
        if worth := self._worth_hashing(plan):
            self._hash(plan, worth)
            self._set_aside_twins(plan)
            self._ask(plan)
        self._set_aside_duplicates(plan)
        plan.problems = [str(problem) for problem in plan.verdict.problems]
        if short := room_problem(plan.verdict, sum(item.size for item in self._new(plan))):
            plan.problems.append(short)

    def _set_aside_sent(self, plan: Plan) -> None:
        """What a run before sent; what is to be sent again is marked as such."""
        whole = {item.path: item for item in plan.items if self._is_whole(item)}
        found = do_all(lambda path: self._sent(whole[path]), whole, self.workers, self.stop.check)
        plan.before = [outcome for outcome in found.values() if outcome is not None]
        plan.items = [
            replace(item, anew=True) if item.path in found else item
            for item in plan.items
            if found.get(item.path) is None
        ]

    def _is_whole(self, item: Item) -> bool:
        known = self.state.recall(item.path)
        return known is not None and known.whole

    def _sent(self, item: Item) -> Outcome | None:
        known = self.state.recall(item.path)
        if known is None:
            return None
        try:
            return sent_before(self.api, item, known, self.patience(), self.stop, again=self.again)
        except ClientError as error:
            if error.passing:
                raise  # the service is away: it would be for each of them
            return failed(item, error)
        except OSError as error:
            return failed(item, error)

    def _ask(self, plan: Plan) -> None:
        new = self._new(plan)
        plan.verdict = ask(
            self.api,
            self.exercise,
            new,
            self._digest,
            lambda call: patiently(self.patience(), "check", call),
        )

    def _worth_hashing(self, plan: Plan) -> set[Path]:
        """What has no digest yet and is as long as another file, here or there."""
        known = plan.verdict.lengths_known | plan.verdict.duplicates.keys()
        alike = known | shared(plan.items, lambda item: item.size)
        return {item.path for item in plan.items if item.path in alike and not self._digest(item)}

    def _new(self, plan: Plan) -> list[Item]:
        """What goes on is no question any more: the service has promised its room."""
        return [item for item in plan.items if item.anew or self.state.recall(item.path) is None]

    def _digest(self, item: Item) -> str | None:
        """Its SHA-256: found in this run, or said by a manifest, or found by a run before."""
        if not item.sha256 and "sha256" not in item.expected and item.path not in self.noted:
            self.noted[item.path] = self.state.digest(item.path)
        return item.sha256 or item.expected.get("sha256") or self.noted[item.path]

    def _set_aside_twins(self, plan: Plan) -> None:
        sent = {one.sha256 for one in plan.before}
        alike = {item.path for item in plan.items if self._digest(item) in sent - {None}}
        self._hash(plan, alike | shared(plan.items, self._digest))
        plan.items, twins = part_twins(plan.items, plan.before)
        plan.twins += twins

    def _set_aside_duplicates(self, plan: Plan) -> None:
        """What the service has by the digest that it was told, if that is the file's."""
        held = plan.verdict.duplicates
        told = {item.path: self._digest(item) for item in plan.items if item.path in held}
        self._hash(plan, held)
        for item in plan.items:
            if item.path in held and item.sha256 == told[item.path]:
                plan.others.append(item.held_as(held[item.path]))
        done = {outcome.path for outcome in plan.others}
        plan.items = [item for item in plan.items if item.path not in done]

    def _hash(self, plan: Plan, wanted: Collection[Path]) -> None:
        """Has these items know what they hash to. One that is not what its manifest says is not sent."""
        due = [item for item in plan.items if item.path in wanted and not item.sha256]
        if (size := sum(item.size for item in due)) >= _WORTH_SAYING:
            self.says(f"hashing {len(due)} files, {human_bytes(size)}: they may not need to be sent")
        found = {item.path: self._hashed(plan, item) for item in due}
        plan.items = [one for item in plan.items if (one := found.get(item.path, item)) is not None]

    def _hashed(self, plan: Plan, item: Item) -> Item | None:
        try:
            sha256 = verified(item.path, item.expected, self.stop.check)
        except (ClientError, OSError) as error:
            plan.others.append(failed(item, error))
            return None
        self.state.note_digest(item.path, sha256)
        return replace(item, sha256=sha256)
