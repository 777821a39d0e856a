"""What is made of recordings on request, over HTTP: joined, cut anew, copied."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.core.pagination import Page
from app.core.schema import PageQuerySchema, page_schema
from app.recordings import service
from app.recordings.models import Derivation
from app.recordings.routes.blueprint import blp
from app.recordings.schemas import (
    CutSchema,
    DerivationSchema,
    ExportSchema,
    JoinQuerySchema,
    JoinSchema,
    LikelyJoinsSchema,
)
from app.settings import Settings


@blp.route("/join", methods=["POST"])
@requires(Permission.RECORDING_DERIVE)
@blp.arguments(JoinSchema)
@blp.response(202, DerivationSchema)
def join(body: dict[str, Any]) -> Derivation:
    """Have recordings of one exercise joined to one, in the order that names and clocks tell"""
    with transaction() as session:
        return service.request_join(session, resource(Settings), current_identity(), ids=body["ids"])


@blp.route("/likely-joins")
@requires(Permission.RECORDING_DERIVE)
@blp.arguments(JoinQuerySchema, location="query")
@blp.response(200, LikelyJoinsSchema)
def likely_joins(query: dict[str, Any]) -> dict[str, Any]:
    """Which recordings of an exercise look like the parts of one"""
    with transaction() as session:
        groups = service.likely_joins(service.joinable(session, current_identity(), query["exercise_id"]))
        return {"items": [[one.id for one in group] for group in groups]}


@blp.route("/<uuid:recording_id>/clips", methods=["POST"])
@requires(Permission.RECORDING_DERIVE)
@blp.arguments(CutSchema)
@blp.response(202, DerivationSchema)
def cut_anew(body: dict[str, Any], recording_id: UUID) -> Derivation:
    """Have a recording cut anew, into a set of clips beside the present one"""
    ranges = [(start, end) for start, end in body.pop("ranges")]
    with transaction() as session:
        return service.request_cut(session, current_identity(), recording_id, ranges=ranges, **body)


@blp.route("/<uuid:recording_id>/exports", methods=["POST"])
@requires(Permission.RECORDING_DERIVE)
@blp.arguments(ExportSchema)
@blp.response(202, DerivationSchema)
def export(body: dict[str, Any], recording_id: UUID) -> Derivation:
    """Have a copy at a constant frame rate made, with the map of its frames"""
    with transaction() as session:
        return service.request_export(session, current_identity(), recording_id, rate=body["rate"])


@blp.route("/<uuid:recording_id>/derivations")
@requires(Permission.RECORDING_READ)
@blp.arguments(PageQuerySchema, location="query")
@blp.response(200, page_schema(DerivationSchema))
def derivations(query: dict[str, Any], recording_id: UUID) -> Page[Derivation]:
    """What was asked to be made of a recording, newest first"""
    with transaction() as session:
        return service.list_derivations(session, current_identity(), recording_id, **query)


@blp.route("/derivations/<uuid:derivation_id>")
@requires(Permission.RECORDING_READ)
@blp.response(200, DerivationSchema)
def one_derivation(derivation_id: UUID) -> Derivation:
    """What became of a request to join, cut or copy"""
    with transaction() as session:
        return service.get_derivation(session, current_identity(), derivation_id)


@blp.route("/derivations/<uuid:derivation_id>/cancel", methods=["POST"])
@requires(Permission.RECORDING_DERIVE)
@blp.response(200, DerivationSchema)
def cancel_derivation(derivation_id: UUID) -> Derivation:
    """Stop what is being joined, cut or copied"""
    with transaction() as session:
        return service.cancel_derivation(session, current_identity(), derivation_id)
