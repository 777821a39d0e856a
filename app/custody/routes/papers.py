"""Receipts and erasure certificates over HTTP: the very bytes that `cordon audit verify` checks."""

from __future__ import annotations

from uuid import UUID

from flask import Response

from app.audit.keys import load_verifier
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, resource, transaction
from app.custody import service
from app.custody.schemas import StandingSchema
from app.settings import Settings

blp = Blueprint(
    "papers", __name__, url_prefix="/api/v1/recordings", description="Receipts, certificates, standing"
)
_ANY: dict[str, str] = {"type": "object"}


@blp.get("/<uuid:recording_id>/receipt")
@requires(Permission.RECORDING_READ)
@blp.response(200, _ANY, description="cordon-receipt-1")
def receipt(recording_id: UUID) -> Response:
    """What was received, with the log's proof of it; 409 with Retry-After until the log has taken it in"""
    verifier = load_verifier(resource(Settings).checkpoint_key_uri)
    with transaction() as session:
        paper = service.receipt(session, current_identity(), recording_id, verifier)
    return _file(paper, "receipt")


@blp.get("/<uuid:recording_id>/certificate")
@requires(Permission.RECORDING_READ)
@blp.response(200, _ANY, description="cordon-receipt-1")
def certificate(recording_id: UUID) -> Response:
    """What was destroyed, with the log's proof of it; 409 while nothing is erased"""
    verifier = load_verifier(resource(Settings).checkpoint_key_uri)
    with transaction() as session:
        paper = service.certificate(session, current_identity(), recording_id, verifier)
    return _file(paper, "certificate")


@blp.get("/<uuid:recording_id>/custody")
@requires(Permission.RECORDING_READ)
@blp.response(200, StandingSchema)
def standing(recording_id: UUID) -> service.Standing:
    """What was decided about a recording: review, hold, retention, incident, erasure"""
    with transaction() as session:
        return service.standing(session, current_identity(), recording_id)


def _file(paper: service.Paper, kind: str) -> Response:
    answer = Response(paper.data, content_type="application/json")
    name = f"{kind}-{paper.recording.id}.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
