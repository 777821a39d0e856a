"""What became of an upload once the service has every byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.model import Outcome

UPLOADS: Final = "/api/v1/uploads"
# Why an upload, or the processing of a recording, ended although the file is good: it is sent again.
SEND_AGAIN: Final = (
    "checksum_mismatch", "damaged_in_staging", "expired", "staging_lost", "terminated",
    "cancelled", "processing_failed",
)  # fmt: skip


def look(api: ApiSession, outcome: Outcome) -> Outcome:
    """The outcome as the service sees it now. Raises ClientError."""
    upload: dict[str, Any] = api.get_json(f"{UPLOADS}/{outcome.upload_id}/status")
    found = replace(outcome, recording_id=upload["recording_id"], state=upload["state"])
    if upload["state"] == "rejected":
        return replace(found, state=_why_rejected(upload), reason=upload["reason"] or "")
    if upload["state"] == "recorded":
        recording: dict[str, Any] = api.get_json(f"/api/v1/recordings/{upload['recording_id']}")
        state = "recorded" if recording["state"] == "processing" else recording["state"]
        if state == "rejected":
            state = _why_rejected(recording)
        return replace(found, state=state, reason=recording["reason"] or "")
    return found


def _why_rejected(ended: Mapping[str, Any]) -> str:
    code = ended["reason_code"]
    return "duplicate" if code == "duplicate" else "lost" if code in SEND_AGAIN else "rejected"


def held_as(error: ClientError) -> str | None:
    """The force's recording of the same bytes, for which the service refused a file; None for any other error."""
    return str(error.problem.get("recording_id")) if error.kind == "duplicate" else None


def settled(outcome: Outcome) -> bool:
    """Whether waiting would change nothing any more."""
    return outcome.state not in ("received", "recorded", "created", "receiving")
