"""Uploads as JSON: where one stands, and the digest that it must have."""

from __future__ import annotations

from uuid import UUID

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.uploads import service
from app.uploads.models import Upload
from app.uploads.routes.blueprint import blp
from app.uploads.schemas import DigestSchema, UploadSchema


@blp.route("/<uuid:upload_id>/status")
@requires(Permission.UPLOAD_WRITE)
@blp.response(200, UploadSchema)
def upload_status(upload_id: UUID) -> Upload:
    """What became of an upload"""
    with transaction() as session:
        return service.get_upload(session, current_identity(), upload_id)


@blp.route("/<uuid:upload_id>/digest", methods=["POST"])
@requires(Permission.UPLOAD_WRITE)
@blp.arguments(DigestSchema)
@blp.response(200, UploadSchema)
def declare_digest(body: dict[str, str], upload_id: UUID) -> Upload:
    """Declare the SHA-256 of the whole, before the last bytes are sent"""
    with transaction() as session:
        digest = bytes.fromhex(body["sha256"])
        return service.declare_digest(session, current_identity(), upload_id, digest)
