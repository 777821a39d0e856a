"""Files that go straight into the object store: JSON in, addresses out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.clock import now
from app.core.db import Database
from app.core.http import current_identity, resource, transaction
from app.core.pagination import Page
from app.core.schema import page_schema
from app.settings import Settings
from app.storage.incoming import ADDRESS_SECONDS, StoredPart
from app.storage.vault import Vault
from app.uploads import service
from app.uploads.models import Upload
from app.uploads.schemas import (
    AddressesSchema,
    DigestSchema,
    DirectCreateSchema,
    DirectUploadSchema,
    PartQuerySchema,
    PartsWantedSchema,
    StoredPartSchema,
)

blp = Blueprint(
    "direct_uploads",
    __name__,
    url_prefix="/api/v1/uploads/direct",
    description="Uploads straight to the object store, part by part",
)
NO_STORE = {"Cache-Control": "no-store"}  # of answers that hold addresses: whoever has one may write


def _direct() -> service.DirectUploads:
    return service.DirectUploads(resource(Database), resource(Settings), resource(Vault).store)


@blp.route("", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.arguments(DirectCreateSchema)
@blp.response(201, DirectUploadSchema)
def create_direct(body: dict[str, Any]) -> Upload:
    """Open an upload whose parts go straight to the store"""
    length, declared = body.pop("length"), service.Declared(**body)
    with transaction() as session:
        return _direct().create(session, current_identity(), length=length, declared=declared)


@blp.route("/<uuid:upload_id>")
@requires(Permission.UPLOAD_WRITE)
class OneDirectUpload(MethodView):
    @blp.response(200, DirectUploadSchema)
    def get(self, upload_id: UUID) -> Upload:
        """Where an upload stands, and the size of its parts"""
        with transaction() as session:
            return service.get_direct(session, current_identity(), upload_id)

    @blp.response(204)
    def delete(self, upload_id: UUID) -> Response:
        """Give up an unfinished upload"""
        _direct().terminate(current_identity(), upload_id)
        return Response(status=204)


@blp.route("/<uuid:upload_id>/parts")
@requires(Permission.UPLOAD_WRITE)
class Parts(MethodView):
    @blp.arguments(PartQuerySchema, location="query")
    @blp.response(200, page_schema(StoredPartSchema))
    def get(self, query: dict[str, Any], upload_id: UUID) -> Page[StoredPart]:
        """Parts that the store holds, in order, to go on from"""
        return _direct().parts(current_identity(), upload_id, **query)

    @blp.arguments(PartsWantedSchema)
    @blp.response(200, AddressesSchema)
    def post(
        self, body: dict[str, list[dict[str, Any]]], upload_id: UUID
    ) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Addresses for a few parts: each takes one part, with PUT and the given headers, for five minutes"""
        until: datetime = now() + timedelta(seconds=ADDRESS_SECONDS)
        digests = {part["number"]: part["sha256"] for part in body["parts"]}
        found = _direct().addresses(current_identity(), upload_id, digests)
        return {"parts": found, "expires_at": until}, 200, NO_STORE


@blp.route("/<uuid:upload_id>/complete", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.arguments(DigestSchema)
@blp.response(200, DirectUploadSchema)
def complete_direct(body: dict[str, str], upload_id: UUID) -> Upload:
    """Join the parts: the whole must have this SHA-256"""
    return _direct().complete(current_identity(), upload_id, bytes.fromhex(body["sha256"]))
