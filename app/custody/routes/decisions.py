"""Sensitivity review, legal hold, retention and erasure of one recording over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, transaction
from app.custody import service
from app.custody.models import Erasure, LegalHold, RetentionReview, SensitivityReview
from app.custody.schemas import (
    ErasureSchema,
    HoldSchema,
    ReasonSchema,
    RetentionReviewSchema,
    RetentionSchema,
    ReviewCreateSchema,
    ReviewSchema,
)

blp = Blueprint(
    "custody",
    __name__,
    url_prefix="/api/v1/recordings",
    description="What a force decides about its footage",
)


@blp.route("/<uuid:recording_id>/sensitivity-review")
class Review(MethodView):
    @requires(Permission.CUSTODY_DECIDE)
    @blp.arguments(ReviewCreateSchema)
    @blp.response(201, ReviewSchema)
    def post(self, body: dict[str, Any], recording_id: UUID) -> SensitivityReview:
        """Confirm that the footage may be released as it would leave now"""
        with transaction() as session:
            return service.confirm_review(session, current_identity(), recording_id, **body)


@blp.route("/<uuid:recording_id>/sensitivity-review/revoke", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(204)
def revoke_review(body: dict[str, str], recording_id: UUID) -> Response:
    """Take the review back: nothing of the recording is frozen, signed or published any more"""
    with transaction() as session:
        service.revoke_review(session, current_identity(), recording_id, reason=body["reason"])
    return Response(status=204)


@blp.route("/<uuid:recording_id>/hold", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(201, HoldSchema)
def place_hold(body: dict[str, str], recording_id: UUID) -> LegalHold:
    """Place a legal hold: nothing is erased while it stands"""
    with transaction() as session:
        return service.place_hold(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/hold/lift", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(200, HoldSchema)
def lift_hold(body: dict[str, str], recording_id: UUID) -> LegalHold:
    """Lift the legal hold"""
    with transaction() as session:
        return service.lift_hold(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/retention", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(RetentionSchema)
@blp.response(200, RetentionReviewSchema)
def decide_retention(body: dict[str, Any], recording_id: UUID) -> RetentionReview:
    """Decide what is due for its retention review: keep, extend or erase"""
    with transaction() as session:
        return service.decide_retention(session, current_identity(), recording_id, **body)


@blp.route("/<uuid:recording_id>/erasure", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(201, ErasureSchema)
def request_erasure(body: dict[str, str], recording_id: UUID) -> Erasure:
    """Request the erasure of a withdrawn or quarantined recording"""
    with transaction() as session:
        return service.request_erasure(session, current_identity(), recording_id, reason=body["reason"])


@blp.route("/<uuid:recording_id>/erasure/confirm", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.response(200, ErasureSchema)
def confirm_erasure(recording_id: UUID) -> Erasure:
    """Confirm it, as a second officer or after 72 hours: from then on it cannot be undone"""
    with transaction() as session:
        return service.confirm_erasure(session, current_identity(), recording_id)


@blp.route("/<uuid:recording_id>/erasure/cancel", methods=["POST"])
@requires(Permission.CUSTODY_DECIDE)
@blp.arguments(ReasonSchema)
@blp.response(200, ErasureSchema)
def cancel_erasure(body: dict[str, str], recording_id: UUID) -> Erasure:
    """Take the request back before it is confirmed"""
    with transaction() as session:
        return service.cancel_erasure(session, current_identity(), recording_id, reason=body["reason"])
