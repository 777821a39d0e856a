"""Taxonomies, tasks, assignments and clips over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.annotation import service
from app.annotation.models import Assignment
from app.annotation.schemas import (
    AssignmentDetailSchema,
    AssignmentQuerySchema,
    AssignmentSchema,
    IncidentReportSchema,
    LabelSetSchema,
    ReturnSchema,
    TaskQuerySchema,
    TaskSchema,
    TaxonomySchema,
)
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, etag_of, if_match_version, resource, transaction
from app.core.schema import page_schema
from app.recordings.ledger import load_ledger
from app.recordings.routes.footage import footage
from app.recordings.schemas import FrameListSchema
from app.storage.vault import Vault

taxonomies_blp = Blueprint("taxonomies", __name__, url_prefix="/api/v1/taxonomies", description="Label sets")
tasks_blp = Blueprint("tasks", __name__, url_prefix="/api/v1/tasks", description="Clips to label")
blp = Blueprint("assignments", __name__, url_prefix="/api/v1/assignments", description="Labelling and review")
clips_blp = Blueprint(
    "clips", __name__, url_prefix="/api/v1/clips", description="Footage of clips, by the frame"
)
blueprints = (taxonomies_blp, tasks_blp, blp, clips_blp)


def _tagged(assignment: Assignment, status: int = 200) -> tuple[Assignment, int, dict[str, str]]:
    return assignment, status, {"ETag": etag_of(assignment.version)}


@taxonomies_blp.route("")
class Taxonomies(MethodView):
    @requires(Permission.TAXONOMY_READ)
    @taxonomies_blp.response(200, TaxonomySchema(many=True))
    def get(self) -> Any:
        """Every taxonomy, oldest first."""
        with transaction() as session:
            return service.list_taxonomies(session, current_identity())


@tasks_blp.route("")
class Tasks(MethodView):
    @requires(Permission.TASK_READ)
    @tasks_blp.arguments(TaskQuerySchema, location="query")
    @tasks_blp.response(200, page_schema(TaskSchema))
    def get(self, query: dict[str, Any]) -> Any:
        """Every task and how far it is, newest first; for reviewers, release managers and auditors."""
        with transaction() as session:
            return service.list_tasks(session, current_identity(), **query)


@blp.route("")
class Assignments(MethodView):
    @requires(Permission.TASK_READ)
    @blp.arguments(AssignmentQuerySchema, location="query")
    @blp.response(200, page_schema(AssignmentSchema))
    def get(self, query: dict[str, Any]) -> Any:
        """An annotator's own assignments; for a reviewer, everybody else's."""
        state = query.pop("state")
        with transaction() as session:
            return service.list_assignments(
                session, current_identity(), states=[state] if state else [], **query
            )


@blp.route("/next")
class NextAssignment(MethodView):
    @requires(Permission.ANNOTATE)
    @blp.response(200, AssignmentDetailSchema)
    def post(self) -> Any:
        """Take the next clip to label: unfinished work first."""
        with transaction() as session:
            return _tagged(service.take_next(session, current_identity()))


@blp.route("/<uuid:assignment_id>")
class OneAssignment(MethodView):
    @requires(Permission.TASK_READ)
    @blp.response(200, AssignmentDetailSchema)
    def get(self, assignment_id: UUID) -> Any:
        """One assignment with its clip, taxonomy and labels; the ETag is for saving."""
        with transaction() as session:
            return _tagged(service.get_assignment(session, current_identity(), assignment_id))


@blp.route("/<uuid:assignment_id>/annotations")
class Annotations(MethodView):
    @requires(Permission.ANNOTATE)
    @blp.arguments(LabelSetSchema)
    @blp.response(200, AssignmentDetailSchema)
    def put(self, data: dict[str, Any], assignment_id: UUID) -> Any:
        """Replace the labels (If-Match): all are saved, or none."""
        vault = resource(Vault)
        with transaction() as session:
            assignment = service.save_annotations(
                session,
                current_identity(),
                lambda recording: load_ledger(vault, session, recording),
                assignment_id=assignment_id,
                version=if_match_version(),
                labels=data["annotations"],
            )
            session.refresh(assignment, ["annotations"])
        return _tagged(assignment)


@blp.route("/<uuid:assignment_id>/submit")
class Submit(MethodView):
    @requires(Permission.ANNOTATE)
    @blp.response(200, AssignmentSchema)
    def post(self, assignment_id: UUID) -> Any:
        """Hand the work to review (If-Match)."""
        with transaction() as session:
            return _tagged(
                service.submit(
                    session, current_identity(), assignment_id=assignment_id, version=if_match_version()
                )
            )


@blp.route("/<uuid:assignment_id>/accept")
class Accept(MethodView):
    @requires(Permission.REVIEW)
    @blp.response(200, AssignmentSchema)
    def post(self, assignment_id: UUID) -> Any:
        """Make this work the clip's labels (If-Match); never one's own."""
        with transaction() as session:
            return _tagged(
                service.accept(
                    session, current_identity(), assignment_id=assignment_id, version=if_match_version()
                )
            )


@blp.route("/<uuid:assignment_id>/return")
class Return(MethodView):
    @requires(Permission.REVIEW)
    @blp.arguments(ReturnSchema)
    @blp.response(200, AssignmentSchema)
    def post(self, data: dict[str, Any], assignment_id: UUID) -> Any:
        """Send the work back with a reason (If-Match)."""
        with transaction() as session:
            return _tagged(
                service.send_back(
                    session,
                    current_identity(),
                    assignment_id=assignment_id,
                    version=if_match_version(),
                    reason=data["reason"],
                )
            )


@blp.route("/<uuid:assignment_id>/incident", methods=["POST"])
@requires(Permission.INCIDENT_REPORT)
@blp.arguments(IncidentReportSchema)
@blp.response(204)
def report_incident(data: dict[str, Any], assignment_id: UUID) -> Response:
    """Say that the clip may be a real incident: its recording is out of everybody's sight at once"""
    with transaction() as session:
        service.report(session, current_identity(), assignment_id, reason=data["reason"])
    return Response(status=204)


@clips_blp.route("/<uuid:clip_id>/media")
@requires(Permission.CLIP_VIEW)
@clips_blp.response(200)
def clip_media(clip_id: UUID) -> Response:
    """The clip's film (MP4), whole or by range; for its annotators and for reviewers"""
    with transaction() as session:
        clip, key = service.clip_footage(session, current_identity(), clip_id)
    return footage(key, clip.blob_key, size=clip.size, sha256=clip.sha256, media_type="video/mp4")


@clips_blp.route("/<uuid:clip_id>/frames")
@requires(Permission.CLIP_VIEW)
@clips_blp.response(200, FrameListSchema)
def clip_frames(clip_id: UUID) -> Any:
    """When each frame of the clip is shown: its rows of the frame ledger"""
    vault = resource(Vault)
    with transaction() as session:
        return service.clip_frames(
            session, current_identity(), lambda recording: load_ledger(vault, session, recording), clip_id
        )
