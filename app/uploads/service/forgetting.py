"""What goes of an upload when the recording that it became is erased."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.uploads import queries
from app.uploads.models import Upload, UploadBlock
from app.uploads.vocabulary import PERSONAL


def forget(session: Session, upload_id: UUID) -> None:
    """Removes what was said while it was sent, whole or in parts, and the digests of its pieces; its room is free
    again. To be called once."""
    sent = select(Upload).where((Upload.id == upload_id) | (Upload.joined_into == upload_id))
    for upload in session.scalars(sent).all():
        session.execute(delete(UploadBlock).where(UploadBlock.upload_id == upload.id))
        upload.details = {name: said for name, said in upload.details.items() if name not in PERSONAL}
        if upload.state == "recorded":
            queries.note_kept(session, upload.organisation_id, -upload.size)
