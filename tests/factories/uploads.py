"""Uploads as rows, and bytes on their way into them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.ids import new_id
from app.exercises.models import Exercise
from app.uploads.models import Upload
from tests.factories.exercises import make_exercise


class BytesSource:
    """A request body of these bytes; after them the end, or with `fail` that exception."""

    def __init__(self, data: bytes, *, fail: Exception | None = None, most: int = 2**30) -> None:
        self.data = memoryview(data)
        self.fail = fail
        self.most = most

    def read_into(self, buffer: memoryview) -> int | None:
        got = min(len(buffer), len(self.data), self.most)
        if got == 0 and self.fail is not None:
            raise self.fail
        buffer[:got] = self.data[:got]
        self.data = self.data[got:]
        return got


def make_upload(
    session: Session, *, exercise: Exercise | None = None, created_by: UUID | None = None, **values: Any
) -> Upload:
    """An upload of 10 bytes into an exercise (a new one unless told), of which none has arrived."""
    home = exercise or make_exercise(session)
    defaults: dict[str, Any] = {
        "filename": "clip.mp4",
        "details": {},
        "length": 10,
        "expires_at": now() + timedelta(hours=1),
        "created_by_kind": "person",
    }
    row = Upload(
        organisation_id=home.organisation_id,
        exercise_id=home.id,
        created_by=created_by or new_id(),
        **defaults | values,
    )
    session.add(row)
    session.flush()
    return row
