"""Labelled clips, for tests of annotation and everything above it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.annotation import service
from app.annotation.labels import Label
from app.annotation.models import Assignment
from app.core.identity import Identity, Role
from app.recordings.models import Recording
from app.storage.vault import Vault
from tests.factories.accounts import make_identity
from tests.factories.custody import review_recording
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording

CONSENTED = {"lawful_basis": "Consent", "consent_record": "file 7"}


class TenAFrame:
    """A frame ledger of a steady 10 frames a second in milliseconds, as the factory's recordings have."""

    def pts_of(self, ordinal: int) -> int:
        return ordinal * 100


def steady_ledger(_recording: Recording) -> TenAFrame:
    return TenAFrame()


def submitted(session: Session, annotator: Identity, labels: Sequence[Label] | None = None) -> Assignment:
    """The next clip, labelled (one gunshot unless told) and submitted."""
    assignment = service.take_next(session, annotator)
    clip = assignment.task.clip
    drawn = (
        [Label("event", "gunshot", clip.start_frame + 5, clip.start_frame + 9)] if labels is None else labels
    )
    service.save_annotations(
        session,
        annotator,
        steady_ledger,  # type: ignore[arg-type]
        assignment_id=assignment.id,
        version=assignment.version,
        labels=drawn,
    )
    return service.submit(session, annotator, assignment_id=assignment.id, version=assignment.version)


def make_labelled_recording(session: Session, vault: Vault, **exercise: object) -> Recording:
    """A ready, reviewed recording of an exercise that may be released, with accepted labels on both of its clips."""
    recording = make_ready_recording(session, vault, exercise=make_exercise(session, **CONSENTED | exercise))
    label_recording(session, recording)
    review_recording(session, recording)
    return recording


def label_recording(session: Session, recording: Recording, labels: Sequence[Label] | None = None) -> None:
    """Opens the recording's tasks, and has each of its clips labelled (one gunshot unless told) and accepted."""
    annotator, reviewer = make_identity(session, Role.ANNOTATOR), make_identity(session, Role.REVIEWER)
    for _ in service.open_tasks(session, recording.id):
        done = submitted(session, annotator, labels)
        service.accept(session, reviewer, assignment_id=done.id, version=done.version)
