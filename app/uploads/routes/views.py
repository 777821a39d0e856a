"""Uploads over HTTP: the tus resource, and JSON views of where uploads stand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from flask.views import MethodView

from app.authz.gate import public, requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.db import Database
from app.core.errors import DomainError
from app.core.http import current_identity, note_hidden, problem, resource, status_of, transaction
from app.core.pagination import Page
from app.core.schema import page_schema
from app.settings import Settings
from app.uploads import service
from app.uploads.models import Upload
from app.uploads.routes import tus
from app.uploads.routes.body import body_of
from app.uploads.schemas import DigestSchema, UploadQuerySchema, UploadSchema

blp = Blueprint(
    "uploads", __name__, url_prefix="/api/v1/uploads", description="Resumable uploads (tus 1.0.0)"
)


def _header(name: str, kind: str = "string", *, required: bool = True) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": required, "schema": {"type": kind}}


TUS_HEADER = _header("Tus-Resumable")
CREATION_HEADERS = [TUS_HEADER, _header("Upload-Length", "integer"), _header("Upload-Metadata")]
PATCH_HEADERS = [
    TUS_HEADER,
    _header("Upload-Offset", "integer"),
    _header("Upload-Checksum", required=False),
]
BYTES = {"content": {tus.CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "required": True}


def _receiver() -> service.Receiver:
    settings = resource(Settings)
    return service.Receiver(resource(Database), settings, service.Staging(settings.uploads_dir))


@blp.errorhandler(DomainError)
def _tus_problem(error: DomainError) -> Response:
    """Problem details with the statuses that tus prescribes."""
    note_hidden(error)
    status = next((tus.STATUS[kind] for kind in type(error).__mro__ if kind in tus.STATUS), None)
    code = int(status[:3]) if status else status_of(error)
    headers = {"Tus-Resumable": tus.VERSION, "Tus-Version": tus.VERSION}
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    response = problem(code, error.type, error.title, error.detail, headers=headers, **error.extra)
    if status:
        response.status = status
    return response


@blp.route("")
class Uploads(MethodView):
    @requires(Permission.UPLOAD_WRITE)
    @blp.arguments(UploadQuerySchema, location="query")
    @blp.response(200, page_schema(UploadSchema))
    def get(self, query: dict[str, Any]) -> Page[Upload]:
        """Uploads of one's force, newest first"""
        with transaction() as session:
            return service.list_uploads(session, current_identity(), **query)

    @public("says which parts of tus are spoken here, and nothing else")
    @blp.response(204)
    def options(self) -> Response:
        """What this tus server can do"""
        return Response(status=204, headers=tus.capabilities(resource(Settings)))

    @requires(Permission.UPLOAD_WRITE)
    @blp.doc(parameters=CREATION_HEADERS)
    @blp.response(201)
    def post(self) -> Response:
        """Create an upload (tus)"""
        tus.check_version(request.headers)
        length, declared = tus.upload_length(request.headers), tus.declared(request.headers)
        with transaction() as session:
            upload = service.create_upload(
                session, current_identity(), resource(Settings), length=length, declared=declared
            )
        location = url_for("uploads.OneUpload", upload_id=upload.id)
        return Response(status=201, headers=tus.describe(upload) | {"Location": location})


@blp.route("/<uuid:upload_id>")
@requires(Permission.UPLOAD_WRITE)
class OneUpload(MethodView):
    @public("says which parts of tus are spoken here, and nothing else")
    @blp.response(204)
    def options(self, upload_id: UUID) -> Response:
        """What this tus server can do"""
        del upload_id
        return Response(status=204, headers=tus.capabilities(resource(Settings)))

    @blp.doc(parameters=[TUS_HEADER])
    @blp.response(200)
    def head(self, upload_id: UUID) -> Response:
        """Where to go on (tus)"""
        tus.check_version(request.headers)
        upload = _receiver().offset(current_identity(), upload_id)
        return Response(status=200, headers=tus.describe(upload))

    @blp.doc(parameters=PATCH_HEADERS, requestBody=BYTES)
    @blp.response(204)
    def patch(self, upload_id: UUID) -> Response:
        """Append bytes (tus)"""
        request.max_content_length = None  # the upload's own length is the limit
        with body_of(request) as source:
            tus.check_version(request.headers)
            if request.mimetype != tus.CONTENT_TYPE:
                raise tus.WrongContentType
            upload = _receiver().receive(
                current_identity(),
                upload_id,
                offset=tus.number(request.headers, "Upload-Offset"),
                length=request.content_length,
                source=source,
                checksum=tus.checksum(request.headers),
            )
        return Response(status=204, headers=tus.describe(upload))

    @blp.doc(parameters=[TUS_HEADER])
    @blp.response(204)
    def delete(self, upload_id: UUID) -> Response:
        """Give up an unfinished upload (tus)"""
        tus.check_version(request.headers)
        _receiver().terminate(current_identity(), upload_id)
        return Response(status=204, headers={"Tus-Resumable": tus.VERSION})


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
