"""What became of an upload once the service has every byte."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.model import Outcome

UPLOADS: Final = "/api/v1/uploads"
# Why an upload ended although the file is good, and nothing of it is with the service: it is sent again.
SEND_AGAIN: Final = ("checksum_mismatch", "damaged_in_staging", "expired", "staging_lost", "terminated")


def look(api: ApiSession, outcome: Outcome) -> Outcome:
    """The outcome as the service sees it now. Raises ClientError."""
    upload: dict[str, Any] = api.get_json(f"{UPLOADS}/{outcome.upload_id}/status")
    found = replace(outcome, recording_id=upload["recording_id"], state=upload["state"])
    if upload["state"] == "rejected":
        code = upload["reason_code"]
        state = "duplicate" if code == "duplicate" else "lost" if code in SEND_AGAIN else "rejected"
        return replace(found, state=state, reason=upload["reason"] or "")
    if upload["state"] == "recorded":
        recording: dict[str, Any] = api.get_json(f"/api/v1/recordings/{upload['recording_id']}")
        state = "recorded" if recording["state"] == "processing" else recording["state"]
        return replace(found, state=state, reason=recording["reason"] or "")
    return found


def held_as(error: ClientError) -> str | None:
    """The force's recording of the same bytes, for which the service refused a file; None for any other error."""
    return str(error.problem.get("recording_id")) if error.kind == "duplicate" else None


def settled(outcome: Outcome) -> bool:
    """Whether waiting would change nothing any more."""
    return outcome.state not in ("received", "recorded", "created", "receiving")
