"""What waits for the officers of a force, and what was decided, in lists."""

from __future__ import annotations

from typing import Any

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, transaction
from app.core.schema import PageQuerySchema, page_schema
from app.custody import service
from app.custody.schemas import ErasureSchema, HoldSchema, IncidentSchema, RetentionReviewSchema
from app.recordings.schemas import RecordingSchema

blp = Blueprint(
    "custody-lists", __name__, url_prefix="/api/v1/custody", description="What waits for a force's officers"
)


@blp.route("/unreviewed")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(RecordingSchema))
def unreviewed(page: dict[str, Any]) -> Any:
    """Ready recordings that wait for their sensitivity review, newest first"""
    with transaction() as session:
        return service.list_unreviewed(session, current_identity(), **page)


@blp.route("/retention")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(RetentionReviewSchema))
def due(page: dict[str, Any]) -> Any:
    """Retention reviews that wait for a decision, newest first"""
    with transaction() as session:
        return service.list_due(session, current_identity(), **page)


@blp.route("/incidents")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(IncidentSchema))
def incidents(page: dict[str, Any]) -> Any:
    """Possible real incidents in quarantine, newest first"""
    with transaction() as session:
        return service.list_incidents(session, current_identity(), **page)


@blp.route("/erasures")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(ErasureSchema))
def erasures(page: dict[str, Any]) -> Any:
    """Erasures requested, under way and done, newest first"""
    with transaction() as session:
        return service.list_erasures(session, current_identity(), **page)


@blp.route("/holds")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(HoldSchema))
def holds(page: dict[str, Any]) -> Any:
    """Legal holds that stand, newest first"""
    with transaction() as session:
        return service.list_holds(session, current_identity(), **page)
