"""Custody receipts: the service's signed statement of what it took in, kept by the force.

The bytes are stored as they were served, for a signature may be over them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import UUID

from app.client.errors import ClientError
from app.client.files import write_private
from app.client.http import ApiSession
from app.client.upload.stop import Stop

NOT_YET: Final = (409, 425)  # the log has the entry, but no signed checkpoint holds it yet
PAUSE: Final = 2.0


def fetch_receipt(api: ApiSession, recording: UUID | str) -> bytes:
    """A recording's receipt, JSON. Raises ClientError."""
    answer = api.request("GET", f"/api/v1/recordings/{recording}/receipt")
    if not answer.headers.get("Content-Type", "").startswith("application/json"):
        raise ClientError(f"the service gave no receipt of recording {recording}: is cordon up to date?")
    return answer.content


def keep_receipt(data: bytes, file: Path) -> None:
    """Puts a receipt there in one step. Raises ClientError."""
    try:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        write_private(file, data)
    except OSError as error:
        raise ClientError(f"{file} cannot be written: {error.strerror}") from error


def save_receipt(api: ApiSession, recording: UUID | str, file: Path) -> None:
    """Fetches a receipt and keeps it. Raises ClientError."""
    keep_receipt(fetch_receipt(api, recording), file)


def save_when_given(api: ApiSession, recording: str, directory: Path, stop: Stop, patience: float) -> Path:
    """Waits `patience` seconds for a receipt that is not there yet. Raises ClientError, Interrupted."""
    file = directory / f"{recording}.json"
    while True:
        try:
            save_receipt(api, recording, file)
            return file
        except ClientError as error:
            if error.status not in NOT_YET:
                raise
            if patience <= 0:
                raise ClientError(
                    f"no receipt is given yet: later run 'cordon receipt {recording} --out {file}'"
                ) from error
            patience -= PAUSE
            stop.pause(PAUSE)
