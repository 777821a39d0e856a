"""What a watched folder's files need once they are sent: a look at what became of them, receipts, a place in `done`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.drop_folder import Shape, move_done, shape_of
from app.client.upload.events import Events
from app.client.upload.follow import look, settled
from app.client.upload.model import Outcome
from app.client.upload.options import Options
from app.client.upload.receipts import NOT_YET, save_receipt
from app.client.upload.stop import Stop

_RECEIPT_SECONDS: Final = 600.0


class Aftercare:
    """Never blocks for long: what is not there yet is looked for at the next round."""

    def __init__(self, options: Options, folder: Path, api: ApiSession, stop: Stop, events: Events) -> None:
        self._options, self._folder, self._api = options, folder, api
        self._stop, self._events = stop, events
        self._open: dict[Path, tuple[Outcome, Shape]] = {}
        self.lost: list[Path] = []  # what the service had and lost: to be sent again
        self._receipts: dict[str, float] = {}  # recording → until when (monotonic seconds) it is asked for

    @property
    def cut_off(self) -> bool:
        """Whether, with --wait, something is still waited for."""
        return self._options.wait and bool(self._open)

    def take_over(self, outcome: Outcome, shape: Shape) -> None:
        """A file that is with the service, or was refused."""
        self._open[outcome.path] = (outcome, shape)
        self._settle(outcome, shape)

    def tend(self) -> None:
        """One round. Raises Interrupted."""
        for path, (outcome, shape) in list(self._open.items()):
            self._stop.check()
            try:
                found = look(self._api, outcome)
            except ClientError as error:
                self._events.note(f"what became of {outcome.name} is not known yet: {error}", path)
                if error.passing:
                    break  # the service is away: it would say the same of the others
                continue
            self._open[path] = (found, shape)
            self._events.outcome(found)
            self._settle(found, shape)
        self._fetch_receipts()

    def _settle(self, outcome: Outcome, shape: Shape) -> None:
        """Lets go of a file about which nothing more is awaited."""
        registered = settled(outcome) or (outcome.state == "recorded" and not self._options.wait)
        if not registered:
            return
        del self._open[outcome.path]
        if outcome.state == "lost":
            self.lost.append(outcome.path)
        if outcome.state == "lost" or not outcome.good:
            return
        if self._options.receipts is not None and outcome.recording_id:
            self._receipts[outcome.recording_id] = time.monotonic() + _RECEIPT_SECONDS
        if self._options.done is not None:
            self._move(outcome.path, self._options.done, shape)

    def _move(self, path: Path, done: Path, shape: Shape) -> None:
        if shape_of(path) != shape:
            return  # it was changed since: what lies there now was not sent
        try:
            self._events.moved(path, move_done(path, self._folder, done))
        except OSError as error:
            self._events.note(f"{path} was handed over but cannot be moved: {error.strerror}", path)

    def _fetch_receipts(self) -> None:
        directory = self._options.receipts
        if directory is None:
            return
        for recording, until in list(self._receipts.items()):
            self._stop.check()
            file = directory / f"{recording}.json"
            try:
                save_receipt(self._api, recording, file)
            except ClientError as error:
                if error.status in NOT_YET and time.monotonic() < until:
                    continue
                self._events.note(f"no receipt of recording {recording}: {error}", file)
            else:
                self._events.receipt(recording, file)
            del self._receipts[recording]
