"""Uploads over HTTP: the tus resource, and the list of uploads."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from flask import Response, request, url_for
from flask.views import MethodView
from sqlalchemy.orm import Session

from app.authz.gate import public, requires
from app.authz.permissions import Permission
from app.core.db import Database
from app.core.http import current_identity, resource, transaction
from app.core.pagination import Page
from app.core.schema import page_schema
from app.settings import Settings
from app.uploads import service
from app.uploads.models import Upload
from app.uploads.routes import tus
from app.uploads.routes.blueprint import blp
from app.uploads.routes.body import body_of
from app.uploads.routes.headers import number
from app.uploads.routes.slots import slot
from app.uploads.schemas import UploadQuerySchema, UploadSchema


def _header(name: str, kind: str = "string", *, required: bool = True) -> dict[str, Any]:
    return {"in": "header", "name": name, "required": required, "schema": {"type": kind}}


TUS_HEADER = _header("Tus-Resumable")
CREATION_HEADERS = [
    TUS_HEADER,
    _header("Upload-Metadata"),
    *(_header(name, "integer", required=False) for name in ("Upload-Length", "Upload-Defer-Length")),
    *(_header(name, required=False) for name in ("Upload-Concat", "Upload-Checksum")),
]
PATCH_HEADERS = [
    TUS_HEADER,
    _header("Upload-Offset", "integer"),
    _header("Upload-Length", "integer", required=False),
    _header("Upload-Checksum", required=False),
]
OVERRIDE_HEADER = {
    "in": "header",
    "name": tus.OVERRIDE,
    "required": True,
    "schema": {"type": "string", "enum": list(tus.OVERRIDDEN)},
}
BYTES = {"content": {tus.CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "required": True}
FIRST_BYTES = BYTES | {"required": False}


def _receiver() -> service.Receiver:
    settings = resource(Settings)
    return service.Receiver(resource(Database), settings, service.Staging(settings.uploads_dir))


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
    @blp.doc(parameters=CREATION_HEADERS, requestBody=FIRST_BYTES)
    @blp.response(201)
    def post(self) -> Response:
        """Create an upload, with its first bytes if they come along, or of parts (tus)"""
        if tus.asks_capabilities(request.headers):
            return Response(status=204, headers=tus.capabilities(resource(Settings)))
        with_bytes = request.mimetype == tus.CONTENT_TYPE
        if with_bytes:
            request.max_content_length = None  # the upload's own length is the limit
        with body_of(request) as source:
            tus.check_version(request.headers)
            opening = tus.opening(request.headers, with_bytes=with_bytes)
            checksum = tus.checksum(request.headers)
            with transaction() as session:
                upload = _open(session, opening)
            if with_bytes:
                upload = _receive_first(upload, source, checksum)
        return Response(status=201, headers=tus.describe(upload) | {"Location": _address(upload)})


def _address(upload: Upload) -> str:
    """The whole address, under the name by which the client reached us: some clients cannot resolve a mere path."""
    public = resource(Settings).staff_url
    base = (
        public if urlsplit(public).netloc == request.host else request.host_url
    )  # a proxy's TLS is in the former
    return urljoin(base, url_for("uploads.OneUpload", upload_id=upload.id))


def _open(session: Session, opening: tus.Opening) -> Upload:
    who, settings, declared = current_identity(), resource(Settings), opening.declared
    if opening.parts:
        return service.join_uploads(
            session, who, settings, parts=opening.parts, declared=declared, said=opening.concat
        )
    return service.create_upload(
        session, who, settings, length=opening.length, declared=declared, partial=opening.partial
    )


def _receive_first(upload: Upload, source: service.Source, checksum: service.Checksum | None) -> Upload:
    with slot():
        return _receiver().receive_first(
            current_identity(), upload.id, length=request.content_length, source=source, checksum=checksum
        )


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
            said = request.headers
            with slot():
                upload = _receiver().receive(
                    current_identity(),
                    upload_id,
                    offset=number(said, "Upload-Offset"),
                    length=request.content_length,
                    source=source,
                    checksum=tus.checksum(said),
                    total=number(said, "Upload-Length") if "Upload-Length" in said else None,
                )
        return Response(status=204, headers=tus.describe(upload))

    @blp.doc(parameters=[TUS_HEADER])
    @blp.response(204)
    def delete(self, upload_id: UUID) -> Response:
        """Give up an unfinished upload (tus)"""
        tus.check_version(request.headers)
        _receiver().terminate(current_identity(), upload_id)
        return Response(status=204, headers={"Tus-Resumable": tus.VERSION})

    @blp.doc(parameters=[TUS_HEADER, OVERRIDE_HEADER], requestBody=FIRST_BYTES)
    @blp.response(204)
    def post(self, upload_id: UUID) -> Response:
        """PATCH, HEAD, DELETE or OPTIONS, for clients whose network lets only POST through (tus)"""
        methods = {"PATCH": self.patch, "HEAD": self.head, "DELETE": self.delete, "OPTIONS": self.options}
        answer: Response = methods[tus.overridden(request.headers)](upload_id)
        return answer
