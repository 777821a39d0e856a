"""Releases for partners: the list of what is granted, and the TUF repositories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, resource, transaction
from app.core.ranges import ranged_response
from app.core.schema import PageQuerySchema, page_schema
from app.releases.schemas import PublicReleaseSchema
from app.releases.service import fetching
from app.storage.vault import Vault

blp = Blueprint("granted-releases", __name__, url_prefix="/api/v1/releases", description="What you may fetch")
tuf_blp = Blueprint("tuf", __name__, url_prefix="/tuf", description="TUF repositories, one a collection")
TUF_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@blp.route("")
class GrantedReleases(MethodView):
    @requires(Permission.RELEASE_FETCH)
    @blp.arguments(PageQuerySchema, location="query")
    @blp.response(200, page_schema(PublicReleaseSchema))
    def get(self, page: dict[str, Any]) -> Any:
        """Published releases of the collections granted to you, newest first."""
        with transaction() as session:
            return fetching.granted_releases(session, current_identity(), **page)


@blp.route("/<uuid:release_id>")
class GrantedRelease(MethodView):
    @requires(Permission.RELEASE_FETCH)
    @blp.response(200, PublicReleaseSchema)
    def get(self, release_id: UUID) -> Any:
        """One of them."""
        with transaction() as session:
            return fetching.granted_release(session, current_identity(), release_id)


@tuf_blp.route("/<string:slug>/metadata/<string:filename>")
class MetadataFile(MethodView):
    @requires(Permission.RELEASE_FETCH)
    @tuf_blp.doc(
        responses={"200": {"description": "A TUF metadata file"} | {"content": {"application/json": {}}}}
    )
    def get(self, slug: str, filename: str) -> Response:
        """A metadata file of a granted collection, as TUF 1.0 names it."""
        with transaction() as session:
            content = fetching.metadata(session, current_identity(), slug=slug, filename=filename)
        return Response(content, content_type="application/json")


@tuf_blp.route("/<string:slug>/targets/<path:path>")
class TargetFile(MethodView):
    @requires(Permission.RELEASE_FETCH)
    @tuf_blp.doc(
        responses={
            "200": {"description": "The target"} | TUF_BYTES,
            "206": {"description": "The range asked for"} | TUF_BYTES,
            "304": {"description": "You have it"},
            "416": {"description": "The range lies beyond the end"},
        }
    )
    def get(self, slug: str, path: str) -> Response:
        """A target by its consistent-snapshot path; byte ranges work."""
        vault = resource(Vault)
        with transaction() as session:
            handed = fetching.hand_out(
                session,
                current_identity(),
                slug=slug,
                path=path,
                byte_range=request.headers.get("Range", "whole")[:100],
            )

        def pieces(start: int, end: int) -> Iterator[bytes]:
            return vault.open(handed.data_key, handed.target.blob_key, start, end).pieces()

        return ranged_response(
            handed.target.size, handed.target.sha256.hex(), "application/octet-stream", pieces
        )
