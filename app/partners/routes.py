"""Agreements over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, transaction
from app.core.pagination import Page
from app.core.schema import PageQuerySchema, page_schema
from app.partners import service
from app.partners.models import Agreement
from app.partners.schemas import AgreementCreateSchema, AgreementSchema

blp = Blueprint(
    "agreements", __name__, url_prefix="/api/v1/agreements", description="What admits a partner, and for what"
)


@blp.route("")
class Agreements(MethodView):
    @requires(Permission.AGREEMENT_READ)
    @blp.arguments(PageQuerySchema, location="query")
    @blp.response(200, page_schema(AgreementSchema))
    def get(self, page: dict[str, Any]) -> Page[Agreement]:
        """Agreements, newest first"""
        with transaction() as session:
            return service.list_agreements(session, current_identity(), **page)

    @requires(Permission.AGREEMENT_PROPOSE)
    @blp.arguments(AgreementCreateSchema)
    @blp.response(201, AgreementSchema)
    def post(self, body: dict[str, Any]) -> tuple[Agreement, dict[str, str]]:
        """Propose an agreement"""
        with transaction() as session:
            row = service.propose_agreement(session, current_identity(), **body)
        return row, {"Location": url_for("agreements.OneAgreement", agreement_id=row.id)}


@blp.route("/<uuid:agreement_id>")
class OneAgreement(MethodView):
    @requires(Permission.AGREEMENT_READ)
    @blp.response(200, AgreementSchema)
    def get(self, agreement_id: UUID) -> Agreement:
        """One agreement with its approvals"""
        with transaction() as session:
            return service.get_agreement(session, current_identity(), agreement_id)


@blp.route("/<uuid:agreement_id>/approvals", methods=["POST"])
@requires(Permission.AGREEMENT_APPROVE)
@blp.response(200, AgreementSchema)
def approve(agreement_id: UUID) -> Agreement:
    """Approve; the second approver makes the agreement active"""
    with transaction() as session:
        return service.approve_agreement(session, current_identity(), agreement_id)
