"""What a run before sent, and what became of it: whether the file is with the service or must be sent again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.digests import verified
from app.client.upload.follow import look
from app.client.upload.model import Item, Outcome
from app.client.upload.retry import Patience
from app.client.upload.state import Remembered
from app.client.upload.stop import Stop
from app.client.upload.transfer import patiently

GONE: Final = (404, 410)
# What is not with the service any more. It is sent again when somebody asks for that, for it ended for a reason.
_ENDED: Final = {
    "rejected": "handed over before, then rejected",
    "withdrawn": "handed over before, then withdrawn",
    "erased": "handed over before, then erased",
}


def sent_before(
    api: ApiSession, item: Item, known: Remembered, patience: Patience, stop: Stop, *, again: bool = False
) -> Outcome | None:
    """What became of an upload that a run before finished; None if the file must be sent again.

    With `again`, what was rejected, withdrawn or erased must be. A file of a bag is hashed: its bytes may be others by
    now than those that were sent. Raises ClientError, OSError, Interrupted.
    """
    upload_id = known.location.rpartition("/")[2]
    outcome = Outcome(item.path, "received", item.size, "", upload_id, None, known.sha256, item.name)
    try:
        found = patiently(patience, item.name, lambda: look(api, outcome))
    except ClientError as error:
        if error.status not in GONE:
            raise
        return None
    if found.state == "lost" or (again and found.state in _ENDED):
        return None
    if item.expected and verified(item.path, item.expected, stop.check) != known.sha256:
        return None
    return _said_plainly(found)


def _said_plainly(found: Outcome) -> Outcome:
    if found.state not in _ENDED:
        return found
    why = f": {found.reason}" if found.reason else ""
    return replace(found, reason=f"{_ENDED[found.state]}{why} (--again sends it again)")
