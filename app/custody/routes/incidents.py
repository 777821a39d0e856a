"""A possible real incident over HTTP: marked, cleared, or moved out by its force."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, transaction
from app.custody import service
from app.custody.models import Incident
from app.custody.schemas import IncidentSchema, MovedOutSchema, ReasonSchema
from app.recordings.routes.footage import footage

blp = Blueprint(
    "incidents", __name__, url_prefix="/api/v1/recordings", description="Footage that is not training"
)


@blp.route("/<uuid:recording_id>/incident", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(201, IncidentSchema)
def mark(body: dict[str, str], recording_id: UUID) -> Incident:
    """Mark it as a possible real incident: nobody but officers of its force sees it from then on"""
    with transaction() as session:
        return service.mark_incident(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/incident/clear", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(200, IncidentSchema)
def clear(body: dict[str, str], recording_id: UUID) -> Incident:
    """It was training after all: it goes back to where it was"""
    with transaction() as session:
        return service.clear_incident(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/incident/move-out", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(200, IncidentSchema)
def move_out(body: dict[str, str], recording_id: UUID) -> Incident:
    """It is a real incident: open its original to the force, to be kept where incidents are kept"""
    with transaction() as session:
        return service.move_out(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/original")
@requires(Permission.CUSTODY_DECIDE)
@blp.response(200)
def original(recording_id: UUID) -> Response:
    """The original, whole or by range, while an incident is moved out; each request is in the log"""
    asked = request.headers.get("Range", "")[:100]
    with transaction() as session:
        recording, key = service.open_original(session, current_identity(), recording_id, byte_range=asked)
    answer = footage(
        key,
        recording.blob_key,
        size=recording.size,
        sha256=recording.sha256,
        media_type="application/octet-stream",
    )
    answer.headers.set("Content-Disposition", "attachment", filename=_header_name(recording.filename))
    return answer


def _header_name(filename: str) -> str:
    """A file's name without what no header may hold: a name may have line breaks in it."""
    return "".join(c if c.isprintable() else "_" for c in filename)


@blp.route("/<uuid:recording_id>/incident/moved-out", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(MovedOutSchema)
@blp.response(200, IncidentSchema)
def moved_out(body: dict[str, str], recording_id: UUID) -> Incident:
    """The force has the original, and says its SHA-256: ours is to be erased"""
    sha256 = bytes.fromhex(body["sha256"])
    with transaction() as session:
        return service.confirm_moved_out(session, current_identity(), recording_id, sha256=sha256)
