"""One officer at one exercise, for tests of uploads."""

from __future__ import annotations

from sqlalchemy import select, text

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Identity, Role
from app.exercises.models import Exercise
from app.settings import Settings
from app.uploads import service
from app.uploads.models import Upload
from app.uploads.service import Declared, Receiver, Staging
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.uploads import BytesSource

DATA = b"not really a film, but bytes all the same"


class Desk:
    """One officer at one exercise, with the running service's parts."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.db, self.settings = database, settings
        self.staging = Staging(settings.uploads_dir)
        with database.transaction() as session:
            self.officer: Identity = make_identity(session, Role.DATA_OFFICER)
            self.exercise: Exercise = make_exercise(session, organisation_id=self.officer.organisation_id)

    @property
    def receiver(self) -> Receiver:
        return Receiver(self.db, self.settings, self.staging)

    def create(self, length: int | None = len(DATA), *, partial: bool = False, **declared: object) -> Upload:
        with self.db.transaction() as session:
            said = Declared(exercise_id=self.exercise.id, **declared)  # type: ignore[arg-type]
            return service.create_upload(
                session, self.officer, self.settings, length=length, declared=said, partial=partial
            )

    def send(self, upload: Upload, data: bytes, offset: int = 0, **more: object) -> Upload:
        source = more.pop("source", BytesSource(data))
        return self.receiver.receive(
            self.officer,
            upload.id,
            offset=offset,
            length=more.pop("length", len(data)),
            source=source,
            **more,  # type: ignore[arg-type]
        )

    def row(self, upload: Upload) -> Upload:
        with self.db.transaction() as session:
            found = session.get(Upload, upload.id)
            assert found is not None
            return found

    def complete(self, upload: Upload) -> Upload:
        service.complete(self.db, self.staging, upload.id, lambda: None)
        return self.row(upload)

    def jobs(self) -> list[str]:
        with self.db.transaction() as session:
            return list(session.scalars(text("SELECT task_name FROM procrastinate_jobs ORDER BY id")))

    def tags(self, upload: Upload) -> list[str]:
        with self.db.transaction() as session:
            query = select(AuditEvent.tag).where(AuditEvent.subject_id == upload.id).order_by(AuditEvent.id)
            return list(session.scalars(query))
