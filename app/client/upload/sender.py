"""One file to its last byte: tus 1.0.0, resumable across runs and reboots, hashing while it reads.

The whole file's SHA-256 is known only when its last bytes are read, so it is declared
(`POST /api/v1/uploads/{id}/digest`) just before they are sent: the server never has every byte without knowing what
they must hash to, and hardly a file is read twice. Where a manifest gives it, it is declared at once and checked on the
way. A resumed upload reads again what was sent before, to hash it. What the force holds already is found out
before, by its length (see `preflight`), or at the latest when its digest is declared.
"""

from __future__ import annotations

import base64
import uuid
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import requests

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.before import GONE, sent_before
from app.client.upload.digests import verified
from app.client.upload.direct import DIRECT, DirectTransfer
from app.client.upload.follow import UPLOADS, held_as
from app.client.upload.model import Item, Outcome
from app.client.upload.retry import Patience
from app.client.upload.state import Remembered, UploadState
from app.client.upload.transfer import TUS, Line, Transfer, offset_of, patiently

_IN_DOUBT: Final = "idempotency-in-doubt"
_DOUBT_SECONDS: Final = 1.0  # a first request that is still being answered is answered by then


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
        if known and known.whole:
            if not item.anew and (before := sent_before(self._api, item, known, patience, self._line.stop)):
                self._line.observer.begun(item, item.size)
                return before
            self._state.forget(item.path)
            known = None
        try:
            if self._direct:
                return self._straight(item)
            place = self._resume(item, known, patience) or self._create(item, patience)
        except ClientError as error:
            if (recording := held_as(error)) is None:
                raise
            return self._held(item, recording)
        return Transfer(self._api, self._state, self._line, patience, item, *place).run()

    def _straight(self, item: Item) -> Outcome:
        return DirectTransfer(self._api, self._exercise, self._state, self._line, item, self._direct).run()

    def _held(self, item: Item, recording: str) -> Outcome:
        """The service opens no upload for what the force holds, by a digest that may be a manifest's alone."""
        sha256 = verified(item.path, item.expected, self._line.stop.check)
        if item.sha256 not in ("", sha256):
            raise ClientError(f"{item.path.name} changed while it was looked at: send it again")
        return item.held_as(recording, sha256)

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
        headers = TUS | {
            "Upload-Length": str(item.size),
            "Upload-Metadata": _metadata(item, self._exercise),
        }
        location = urlsplit(self._open(item, patience, headers).headers.get("Location", "")).path
        if not location.startswith(f"{UPLOADS}/"):
            raise ClientError("the service named no upload: is this the right server?")
        self._state.remember(item.path, location)
        return location, 0

    def _open(self, item: Item, patience: Patience, headers: dict[str, str]) -> requests.Response:
        """With a key of its own a creation whose answer was lost is sent again and makes no second upload.

        Where the service itself broke off just then, nobody knows the upload's name any more: then another is opened,
        and the first expires.
        """
        first, other = str(uuid.uuid4()), str(uuid.uuid4())
        for key in (first, first, other):
            said = headers | {"Idempotency-Key": key}
            try:
                post = partial(self._api.request, "POST", UPLOADS, headers=said)
                return patiently(patience, item.name, post)
            except ClientError as error:
                if error.kind != _IN_DOUBT or key is other:
                    raise
            self._line.stop.pause(_DOUBT_SECONDS)
        raise AssertionError("unreachable: the last key returns or raises")


def _metadata(item: Item, exercise: str) -> str:
    """Upload-Metadata. What is not said is left out: an empty value would be one."""
    said = {"filename": item.path.name, "filetype": item.media_type, "exercise": exercise}
    said |= {"sha256": item.expected.get("sha256", item.sha256)} | dict(item.details)
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items() if value)
    return ",".join(pairs)
