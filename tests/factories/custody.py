"""Decisions of a force's officers, as its pages would make them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.accounts.models import Organisation
from app.core.identity import Identity, Role
from app.custody import service
from app.custody.models import SensitivityReview
from app.recordings.models import Recording
from tests.factories.accounts import make_identity


def make_officer(session: Session, recording: Recording) -> Identity:
    """A new data officer of the recording's force."""
    force = session.get_one(Organisation, recording.organisation_id)
    return make_identity(session, Role.DATA_OFFICER, organisation=force)


def review_recording(
    session: Session, recording: Recording, *, people: str = "none_needed"
) -> SensitivityReview:
    """The sensitivity review without which nothing of the recording is released."""
    return service.confirm_review(
        session, make_officer(session, recording), recording.id, training=True, tactics=True, people=people
    )
