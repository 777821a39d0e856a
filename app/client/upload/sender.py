"""One file to its last byte: tus 1.0.0, resumable across runs and reboots, hashing while it reads.

The whole file's SHA-256 is known only when its last bytes are read, so it is declared
(`POST /api/v1/uploads/{id}/digest`) just before they are sent: the server never has every byte without knowing what
they must hash to, and no file is read twice. Where a manifest gives it, it is declared at once and checked on the
way. A resumed upload reads again what was sent before, to hash it.
"""

from __future__ import annotations

import base64
import uuid
from typing import Final
from urllib.parse import urlsplit

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.direct import DIRECT, DirectTransfer
from app.client.upload.follow import UPLOADS, look
from app.client.upload.model import Item, Outcome
from app.client.upload.retry import Patience
from app.client.upload.state import Remembered, UploadState
from app.client.upload.transfer import TUS, Line, Transfer, offset_of, patiently

GONE: Final = (404, 410)


class Sender:
    """Sends files into one exercise; safe to use from several threads, for different files.

    With `direct` they go straight into the service's object store, so many parts of a file at a time.
    """

    def __init__(
        self, api: ApiSession, exercise: str, state: UploadState, line: Line, *, direct: int = 0
    ) -> None:
        self._api = api
        self._exercise = exercise
        self._state = state
        self._line = line
        self._direct = direct

    def send(self, item: Item) -> Outcome:
        """Sends one file to its last byte, or finds that a run before did. Raises ClientError, OSError, Interrupted."""
        with self._state.hold(item.path):
            return self._send(item)

    def _send(self, item: Item) -> Outcome:
        patience = Patience(self._line.patience, self._line.stop.pause, self._line.observer.says)
        known = self._state.recall(item.path)
        if known and known.whole and (before := self._sent_before(item, known, patience)):
            self._line.observer.begun(item, item.size)
            return before
        if self._direct:
            return DirectTransfer(
                self._api, self._exercise, self._state, self._line, item, self._direct
            ).run()
        place = self._resume(item, known, patience) or self._create(item, patience)
        return Transfer(self._api, self._state, self._line, patience, item, *place).run()

    def _sent_before(self, item: Item, known: Remembered, patience: Patience) -> Outcome | None:
        """What became of an upload that a run before finished; None if the file must be sent again."""
        upload_id = known.location.rpartition("/")[2]
        outcome = Outcome(item.path, "received", item.size, "", upload_id, None, known.sha256, item.name)
        try:
            found = patiently(patience, item.name, lambda: look(self._api, outcome))
        except ClientError as error:
            if error.status not in GONE:
                raise
            return None
        return None if found.state == "lost" else found

    def _resume(self, item: Item, known: Remembered | None, patience: Patience) -> tuple[str, int] | None:
        if known is None or known.whole or known.location.startswith(f"{DIRECT}/"):
            return None
        try:
            return known.location, patiently(
                patience, item.name, lambda: offset_of(self._api, known.location)
            )
        except ClientError as error:
            if error.status not in GONE:
                raise
            self._state.forget(item.path)
            return None

    def _create(self, item: Item, patience: Patience) -> tuple[str, int]:
        # With a key of its own a creation that was cut off and is sent again makes no second upload.
        headers = TUS | {
            "Upload-Length": str(item.size),
            "Upload-Metadata": _metadata(item, self._exercise),
            "Idempotency-Key": str(uuid.uuid4()),
        }
        answer = patiently(patience, item.name, lambda: self._api.request("POST", UPLOADS, headers=headers))
        location = urlsplit(answer.headers.get("Location", "")).path
        if not location.startswith(f"{UPLOADS}/"):
            raise ClientError("the service named no upload: is this the right server?")
        self._state.remember(item.path, location)
        return location, 0


def _metadata(item: Item, exercise: str) -> str:
    """Upload-Metadata. What is not said is left out: an empty value would be one."""
    said = {"filename": item.path.name, "filetype": item.media_type, "exercise": exercise}
    said |= {"sha256": item.expected.get("sha256", "")} | dict(item.details)
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items() if value)
    return ",".join(pairs)
