"""Redactions over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from sqlalchemy.orm import Session

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.errors import NotFound
from app.core.http import current_identity, etag_of, if_match_version, resource, transaction
from app.recordings.ledger import LedgerOf, load_ledger
from app.recordings.routes.footage import footage
from app.recordings.schemas import FrameListSchema
from app.redaction import service
from app.redaction.models import Redaction
from app.redaction.regions import Wanted
from app.redaction.schemas import (
    DecideSchema,
    RedactionDetailSchema,
    RedactionSchema,
    RegionChangeSchema,
    RegionDrawSchema,
)
from app.storage.vault import Vault

recording_blp = Blueprint(
    "recording-redaction",
    __name__,
    url_prefix="/api/v1/recordings",
    description="The redaction of a recording",
)
blp = Blueprint(
    "redactions",
    __name__,
    url_prefix="/api/v1/redactions",
    description="What is hidden in footage, and the result",
)
blueprints = (recording_blp, blp)
Tagged = tuple[dict[str, Any], int, dict[str, str]]


def ledgers(session: Session) -> LedgerOf:
    """Reads frame ledgers from the running application's vault."""
    vault = resource(Vault)
    return lambda recording: load_ledger(vault, session, recording)


def _tagged(session: Session, redaction: Redaction) -> Tagged:
    columns = {name: getattr(redaction, name) for name in RedactionSchema().fields}
    running = redaction.state in ("approved", "rendering")
    shown = {
        "regions": redaction.regions,
        "progress": service.progress(session, redaction.recording_id) if running else None,
    }
    return columns | shown, 200, {"ETag": etag_of(redaction.version)}


@recording_blp.route("/<uuid:recording_id>/redaction")
class RecordingRedaction(MethodView):
    @requires(Permission.RECORDING_READ)
    @recording_blp.response(200, RedactionDetailSchema)
    def get(self, recording_id: UUID) -> Any:
        """The redaction that counts for a recording; the ETag is for changing it"""
        with transaction() as session:
            found = service.newest(session, current_identity(), recording_id)
            if found is None:
                raise NotFound("This recording has no redaction yet")
            return _tagged(session, found)

    @requires(Permission.REDACTION_REVIEW)
    @recording_blp.response(200, RedactionDetailSchema)
    def post(self, recording_id: UUID) -> Any:
        """The redaction to work on: the present one, or the next after a rendered one"""
        with transaction() as session:
            return _tagged(session, service.open_redaction(session, current_identity(), recording_id))


@recording_blp.route("/<uuid:recording_id>/redaction/proposals", methods=["POST"])
@requires(Permission.REDACTION_REVIEW)
@recording_blp.response(202)
def proposals(recording_id: UUID) -> None:
    """Have a recording looked through for faces and voices"""
    with transaction() as session:
        service.request_proposals(session, current_identity(), recording_id)


@blp.route("/<uuid:redaction_id>")
@requires(Permission.RECORDING_READ)
@blp.response(200, RedactionDetailSchema)
def one_redaction(redaction_id: UUID) -> Any:
    """One redaction with its regions; the ETag is for changing it"""
    with transaction() as session:
        return _tagged(
            session, service.find(session, current_identity(), redaction_id, Permission.RECORDING_READ)
        )


@blp.route("/<uuid:redaction_id>/regions", methods=["POST"])
@requires(Permission.REDACTION_REVIEW)
@blp.arguments(RegionDrawSchema)
@blp.response(200, RedactionDetailSchema)
def draw(wanted: Wanted, redaction_id: UUID) -> Any:
    """Add a region by hand, accepted (If-Match)"""
    with transaction() as session:
        changed = service.add_region(
            session,
            current_identity(),
            ledgers(session),
            redaction_id=redaction_id,
            version=if_match_version(),
            wanted=wanted,
        )
        return _tagged(session, changed)


@blp.route("/<uuid:redaction_id>/regions/<uuid:region_id>")
class OneRegion(MethodView):
    @requires(Permission.REDACTION_REVIEW)
    @blp.arguments(RegionChangeSchema)
    @blp.response(200, RedactionDetailSchema)
    def patch(self, changes: dict[str, Any], redaction_id: UUID, region_id: UUID) -> Any:
        """Decide on a region, or change its style, frames or boxes (If-Match)"""
        with transaction() as session:
            changed = service.change_region(
                session,
                current_identity(),
                ledgers(session),
                redaction_id=redaction_id,
                region_id=region_id,
                version=if_match_version(),
                changes=changes,
            )
            return _tagged(session, changed)

    @requires(Permission.REDACTION_REVIEW)
    @blp.response(200, RedactionDetailSchema)
    def delete(self, redaction_id: UUID, region_id: UUID) -> Any:
        """Take back a region that was drawn (If-Match)"""
        with transaction() as session:
            changed = service.remove_region(
                session,
                current_identity(),
                redaction_id=redaction_id,
                region_id=region_id,
                version=if_match_version(),
            )
            return _tagged(session, changed)


@blp.route("/<uuid:redaction_id>/decide", methods=["POST"])
@requires(Permission.REDACTION_REVIEW)
@blp.arguments(DecideSchema)
@blp.response(200, RedactionDetailSchema)
def decide(data: dict[str, Any], redaction_id: UUID) -> Any:
    """Accept or reject every pending region (If-Match)"""
    with transaction() as session:
        changed = service.decide_all(
            session, current_identity(), redaction_id=redaction_id, version=if_match_version(), **data
        )
        return _tagged(session, changed)


@blp.route("/<uuid:redaction_id>/approve", methods=["POST"])
@requires(Permission.REDACTION_REVIEW)
@blp.response(200, RedactionDetailSchema)
def approve(redaction_id: UUID) -> Any:
    """End the review and have it rendered (If-Match)"""
    with transaction() as session:
        approved = service.approve(
            session, current_identity(), redaction_id=redaction_id, version=if_match_version()
        )
        return _tagged(session, approved)


@blp.route("/<uuid:redaction_id>/cancel", methods=["POST"])
@requires(Permission.REDACTION_REVIEW)
@blp.response(200, RedactionDetailSchema)
def cancel(redaction_id: UUID) -> Any:
    """Stop the rendering and review again (If-Match)"""
    with transaction() as session:
        stopped = service.cancel(
            session, current_identity(), redaction_id=redaction_id, version=if_match_version()
        )
        return _tagged(session, stopped)


@blp.route("/<uuid:redaction_id>/media")
@requires(Permission.RECORDING_VIEW)
@blp.response(200)
def media(redaction_id: UUID) -> Response:
    """The redacted master (MP4), whole or by range"""
    with transaction() as session:
        redaction, key = service.open_redacted(session, current_identity(), redaction_id)
    return footage(
        key,
        redaction.blob_key or "",
        size=redaction.size or 0,
        sha256=redaction.sha256 or b"",
        media_type="video/mp4",
    )


@blp.route("/<uuid:redaction_id>/frames")
@requires(Permission.RECORDING_VIEW)
@blp.response(200, FrameListSchema)
def frames(redaction_id: UUID) -> Any:
    """When each frame of the recording is shown: the frame ledger"""
    with transaction() as session:
        return service.frame_times(session, current_identity(), ledgers(session), redaction_id)
