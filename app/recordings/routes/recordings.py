"""Recordings over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, etag_of, if_match_version, resource, transaction
from app.core.pagination import Page
from app.core.schema import PageQuerySchema, page_schema
from app.recordings import service
from app.recordings.models import Clip, Recording
from app.recordings.routes.blueprint import blp
from app.recordings.routes.footage import footage
from app.recordings.schemas import (
    CheckedSchema,
    CheckSchema,
    DuplicatesSchema,
    ManyDetailsSchema,
    RecordingClipSchema,
    RecordingDetailSchema,
    RecordingQuerySchema,
    RecordingSchema,
    WithdrawSchema,
)
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads.schemas import DetailsSchema

# Under the address of uploads; it stands here because it looks among the recordings.
checks_blp = Blueprint(
    "upload-checks", __name__, url_prefix="/api/v1/uploads", description="Before anything is sent"
)


@checks_blp.route("/check", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@checks_blp.arguments(CheckSchema)
@checks_blp.response(200, CheckedSchema)
def check_files(body: dict[str, Any]) -> service.Checked:
    """What would be refused of these files, and which of them the force handed over before"""
    with transaction() as session:
        return service.check_files(session, current_identity(), resource(Settings), **body)


@blp.route("")
class Recordings(MethodView):
    @requires(Permission.RECORDING_READ)
    @blp.arguments(RecordingQuerySchema, location="query")
    @blp.response(200, page_schema(RecordingSchema))
    def get(self, query: dict[str, Any]) -> Page[Recording]:
        """Recordings, newest first"""
        with transaction() as session:
            return service.list_recordings(session, current_identity(), **query)


@blp.route("/details", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.arguments(ManyDetailsSchema)
@blp.response(200, RecordingSchema(many=True))
def many_details(body: dict[str, Any]) -> list[Recording]:
    """Say the same of several recordings: of all of them, or of none"""
    with transaction() as session:
        return service.change_many(session, current_identity(), **body)


@blp.route("/<uuid:recording_id>")
class OneRecording(MethodView):
    @requires(Permission.RECORDING_READ)
    @blp.response(200, RecordingDetailSchema)
    def get(self, recording_id: UUID) -> Any:
        """One recording: state, reason, progress, facts; the ETag is that of its details"""
        with transaction() as session:
            found = service.get_overview(session, current_identity(), recording_id)
        return _detail(found), {"ETag": etag_of(found.recording.details_version)}

    @requires(Permission.UPLOAD_WRITE)
    @blp.arguments(DetailsSchema)
    @blp.response(200, RecordingSchema)
    def patch(self, body: dict[str, Any], recording_id: UUID) -> tuple[Recording, dict[str, str]]:
        """Change what is said of a recording (If-Match)"""
        version = if_match_version()
        with transaction() as session:
            recording = service.change_details(
                session, current_identity(), recording_id, version=version, changes=body
            )
        return recording, {"ETag": etag_of(recording.details_version)}


@blp.route("/<uuid:recording_id>/clips")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(RecordingClipSchema))
def clips(query: dict[str, Any], recording_id: UUID) -> Page[Clip]:
    """The clips of a recording, of the set that counts, last first"""
    with transaction() as session:
        return service.list_clips(session, current_identity(), recording_id, **query)


@blp.route("/<uuid:recording_id>/duplicates")
@requires(Permission.RECORDING_READ)
@blp.response(200, DuplicatesSchema)
def duplicates(recording_id: UUID) -> service.Duplicates:
    """Which other recordings of the force hold the same footage, and where"""
    with transaction() as session:
        return service.near_duplicates(session, current_identity(), recording_id)


@blp.route("/<uuid:recording_id>/renditions/<string:kind>")
@requires(Permission.RECORDING_VIEW)
@blp.response(200)
def rendition(recording_id: UUID, kind: str) -> Response:
    """The bytes of a rendition, whole or by range

    Of these: proxy, stream, playlist, poster, storyboard, storyboard_index, waveform, cfr-RATE and cfr-RATE-map. An
    ending is passed over, for a playlist names its media `stream.mp4`, and the storyboard's index `storyboard.jpg`.
    """
    name = kind.partition(".")[0]
    with transaction() as session:
        found, key = service.open_rendition(session, current_identity(), recording_id, name)
    return footage(key, found.blob_key, size=found.size, sha256=found.sha256, media_type=found.media_type)


@blp.route("/<uuid:recording_id>/withdraw", methods=["POST"])
@requires(Permission.RECORDING_WITHDRAW)
@blp.arguments(WithdrawSchema)
@blp.response(200, RecordingSchema)
def withdraw(body: dict[str, str], recording_id: UUID) -> Recording:
    """Withdraw a recording, with a reason"""
    with transaction() as session:
        return service.withdraw(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/cancel", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.response(200, RecordingSchema)
def cancel(recording_id: UUID) -> Recording:
    """Stop the processing of a recording"""
    with transaction() as session:
        return service.cancel(session, current_identity(), recording_id)


@blp.route("/<uuid:recording_id>/process-again", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.response(200, RecordingSchema)
def process_again(recording_id: UUID) -> Recording:
    """Process a recording again that the service failed to process, from its stored original"""
    with transaction() as session:
        return service.process_again(session, current_identity(), resource(Vault), recording_id)


def _detail(overview: service.Overview) -> dict[str, Any]:
    columns = {
        field.attribute or name: getattr(overview.recording, field.attribute or name)
        for name, field in RecordingSchema().fields.items()
    }
    return columns | {
        "report": overview.recording.report,
        "clips": overview.clips,
        "clip_set": overview.recording.clip_set,
        "parts": overview.parts,
        "suggestion": overview.suggested,
        "renditions": overview.renditions,
        "progress": overview.progress,
    }
