"""`cordon upload --watch`: hands over what is put into a folder, until it is ended.

What was sent is remembered as in any run, so a restart sends nothing twice. Nothing in the folder is changed unless a
folder for what is done was named.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.crew import Crew
from app.client.upload.drop_folder import DropFolder, Shape
from app.client.upload.events import Events
from app.client.upload.model import Item, Outcome, cut_off, failed
from app.client.upload.options import Options
from app.client.upload.plan import Plan, add_metadata, other
from app.client.upload.preflight import Preflight
from app.client.upload.progress import Bars, upload_progress
from app.client.upload.retry import Patience
from app.client.upload.run import GRACE_SECONDS, send_one
from app.client.upload.sender import Sender
from app.client.upload.state import UploadState
from app.client.upload.stop import Interrupted, Stop
from app.client.upload.transfer import Line
from app.client.upload.watch_after import Aftercare

FIRST_RETRY: Final = 60.0
LAST_RETRY: Final = 3600.0


def watch_folder(options: Options, folder: Path, api: ApiSession, stop: Stop) -> int:
    """Runs until `stop`; returns 0, or 3 when a file was cut off. Raises ClientError when it cannot begin."""
    events = Events(as_json=options.as_json)
    with _no_lease_signals(), upload_progress(None) as bars:
        events.note(f"watching {folder}: end it with ctrl-C")
        return Watcher(options, folder, api, stop, events, bars).run()


@dataclass
class _Known:
    """A file that was seen. `again_at`: when (monotonic seconds) one that failed, or was lost, is tried again."""

    shape: Shape
    under_way: bool = False
    failures: int = 0
    losses: int = 0
    again_at: float = 0.0


class Watcher:
    """One folder, one exercise."""

    def __init__(
        self, options: Options, folder: Path, api: ApiSession, stop: Stop, events: Events, bars: Bars
    ) -> None:
        self._options, self._api, self._stop, self._events = options, api, stop, events
        self._drop = DropFolder(folder, options.done)
        self._state = UploadState(api.server, str(options.exercise))
        self._line = Line(options.bandwidth(stop), stop, bars, options.patience)
        self._sender = Sender(
            api, str(options.exercise), self._state, self._line, direct=options.parts_at_once
        )
        self._crew: Crew[Item, Outcome] = Crew(self._hand_over, options.files_at_once)
        self._known: dict[Path, _Known] = {}
        self._shapes: dict[Path, Shape] = {}
        self._after = Aftercare(options, folder, api, stop, events)

    def run(self) -> int:
        with suppress(Interrupted):  # which is how it ends
            while not self._stop:
                self._look()
                self._listen(self._options.every)
                self._after.tend()
                self._send_lost_again()
        self._listen(GRACE_SECONDS, until_idle=True)
        self._crew.dismiss()
        cut = any(known.under_way for known in self._known.values())
        return 3 if cut or self._after.cut_off else 0

    def _look(self) -> None:
        fresh: list[Item] = []
        for file, shape in self._drop.at_rest(self._is_due):
            if file.skipped or file.failed:
                # What cannot be read may be mended without its size or time changing.
                again_at = time.monotonic() + FIRST_RETRY
                self._known[file.path] = _Known(shape, failures=1 if file.failed else 0, again_at=again_at)
                self._events.outcome(other(file))
            else:
                fresh.append(Item.of(file))
                self._shapes[file.path] = shape
        self._forget_gone()
        for item in self._with_rows(fresh):
            known = self._known.setdefault(item.path, _Known(self._shapes[item.path]))
            known.shape, known.under_way = self._shapes[item.path], True
            self._crew.put(item)

    def _forget_gone(self) -> None:
        """A name may come again: cameras count from one."""
        gone = [
            path for path, known in self._known.items() if not known.under_way and not self._drop.has(path)
        ]
        for path in gone:
            del self._known[path]

    def _send_lost_again(self) -> None:
        while self._after.lost:
            if known := self._known.get(self._after.lost.pop()):
                known.again_at = _later(known.losses)
                known.losses += 1
                known.failures = 1

    def _is_due(self, path: Path, shape: Shape) -> bool:
        known = self._known.get(path)
        if known is None or (known.shape != shape and not known.under_way):
            return True
        return known.failures > 0 and not known.under_way and time.monotonic() >= known.again_at

    def _with_rows(self, items: list[Item]) -> list[Item]:
        """With --metadata a file waits for its row: the table may be written after the film is copied."""
        path = self._options.metadata
        if path is None or not items:
            return items
        plan = Plan(items)
        try:
            without = add_metadata(plan, path)
        except ClientError as error:
            self._events.note(str(error), path)
            return []
        for item in without:
            self._events.note(f"{item.name} waits for its row in {path.name}", item.path)
        return [item for item in plan.items if item.where]

    def _hand_over(self, item: Item) -> Outcome:
        """In a thread of the crew: asks, then sends."""
        plan = Plan([item])
        try:
            self._preflight().check(plan)
        except (ClientError, OSError) as error:
            return failed(item, error)
        except Interrupted:
            return cut_off(item)
        if plan.problems:
            return failed(item, ClientError("; ".join(plan.problems)))
        if done := [*plan.others, *plan.before]:
            return done[0]
        return send_one(self._sender, plan.items[0], self._line)

    def _preflight(self) -> Preflight:
        exercise, says = str(self._options.exercise), self._line.observer.says
        return Preflight(self._api, exercise, self._state, self._stop, self._patience, says)

    def _patience(self) -> Patience:
        return Patience(self._line.patience, self._stop.pause, self._line.observer.says)

    def _listen(self, seconds: float, *, until_idle: bool = False) -> None:
        """Takes what the crew has done, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (self._stop and not until_idle):
            if until_idle and not any(known.under_way for known in self._known.values()):
                return
            if (taken := self._crew.take(min(left, 0.2))) is not None:
                self._note(*taken)

    def _note(self, item: Item, outcome: Outcome) -> None:
        known = self._known[item.path]
        known.under_way = outcome.state == "interrupted"
        self._events.outcome(outcome)
        if outcome.state == "failed":
            known.again_at = _later(known.failures)
            known.failures += 1
        elif outcome.state != "interrupted":
            known.failures = 0
            self._after.take_over(outcome, known.shape)


def _later(times: int) -> float:
    """When (monotonic seconds) to try again what went wrong so many times before."""
    return time.monotonic() + min(FIRST_RETRY * 2.0**times, LAST_RETRY)


@contextmanager
def _no_lease_signals() -> Iterator[None]:
    """Asking whether a file is open (`is_open_for_writing`) may bring a SIGIO, which would end the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGIO, before)
