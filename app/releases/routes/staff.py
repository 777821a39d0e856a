"""Collections, releases and grants for the operator's people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, resource, transaction
from app.core.schema import PageQuerySchema, page_schema
from app.releases.online_keys import OnlineKeys
from app.releases.schemas import (
    CeremonySchema,
    CollectionSchema,
    GrantCreateSchema,
    GrantSchema,
    ReleaseCreateSchema,
    ReleaseSchema,
    RevokeSchema,
    RootSchema,
    SignatureCreateSchema,
    SigningSchema,
)
from app.releases.service import collections, composing, grants, publishing
from app.settings import Settings
from app.storage.vault import Vault

collections_blp = Blueprint(
    "collections", __name__, url_prefix="/api/v1/collections", description="Roots of trust"
)
releases_blp = Blueprint(
    "releases", __name__, url_prefix="/api/v1/releases", description="Building, signing, publishing"
)
grants_blp = Blueprint("grants", __name__, url_prefix="/api/v1/grants", description="Who may fetch what")


def _keys() -> OnlineKeys:
    return OnlineKeys.from_settings(resource(Settings))


@collections_blp.route("/<string:slug>/ceremony")
class Ceremony(MethodView):
    @requires(Permission.OPERATE)
    @collections_blp.response(200, CeremonySchema)
    def get(self, slug: str) -> Any:
        """What the ceremony of a collection needs."""
        with transaction() as session:
            return collections.ceremony(session, current_identity(), _keys(), slug=slug)


@collections_blp.route("/<string:slug>/root")
class CollectionRoot(MethodView):
    @requires(Permission.OPERATE)
    @collections_blp.arguments(RootSchema)
    @collections_blp.response(201, CollectionSchema)
    def post(self, data: dict[str, Any], slug: str) -> Any:
        """Install the root that the ceremony signed; once."""
        with transaction() as session:
            found = collections.install_root(
                session, current_identity(), _keys(), slug=slug, document=data["root"]
            )
            session.refresh(found, ["dataset"])
        return found


@releases_blp.route("")
class Releases(MethodView):
    @requires(Permission.RELEASE_READ)
    @releases_blp.arguments(PageQuerySchema, location="query")
    @releases_blp.response(200, page_schema(ReleaseSchema))
    def get(self, page: dict[str, Any]) -> Any:
        """Every release, newest first."""
        with transaction() as session:
            return composing.list_releases(session, current_identity(), **page)

    @requires(Permission.RELEASE_BUILD)
    @releases_blp.arguments(ReleaseCreateSchema)
    @releases_blp.response(201, ReleaseSchema)
    def post(self, data: dict[str, Any]) -> Any:
        """Build a release of a frozen version; a job packs it."""
        with transaction() as session:
            release = composing.create_release(session, current_identity(), **data)
            session.refresh(release)
        return release, 201, {"Location": f"/api/v1/releases/{release.id}"}


@releases_blp.route("/<uuid:release_id>")
class OneRelease(MethodView):
    @requires(Permission.RELEASE_READ)
    @releases_blp.response(200, ReleaseSchema)
    def get(self, release_id: UUID) -> Any:
        """One release with its signatures."""
        with transaction() as session:
            return composing.get_release(session, current_identity(), release_id)


@releases_blp.route("/<uuid:release_id>/request-sign-off")
class RequestSignOff(MethodView):
    @requires(Permission.RELEASE_BUILD)
    @releases_blp.response(200, ReleaseSchema)
    def post(self, release_id: UUID) -> Any:
        """Compose the bytes that approvers sign."""
        with transaction() as session:
            return composing.request_sign_off(session, current_identity(), _keys(), release_id=release_id)


@releases_blp.route("/<uuid:release_id>/signing")
class Signing(MethodView):
    @requires(Permission.RELEASE_READ)
    @releases_blp.response(200, SigningSchema)
    def get(self, release_id: UUID) -> Any:
        """The bytes to sign and what they stand for."""
        with transaction() as session:
            return composing.signing_view(session, current_identity(), release_id=release_id)


@releases_blp.route("/<uuid:release_id>/signatures")
class Signatures(MethodView):
    @requires(Permission.RELEASE_SIGN)
    @releases_blp.arguments(SignatureCreateSchema)
    @releases_blp.response(201, ReleaseSchema)
    def post(self, data: dict[str, Any], release_id: UUID) -> Any:
        """Add one's own signature, made on one's own machine (`cordon sign`)."""
        with transaction() as session:
            release = composing.add_signature(session, current_identity(), release_id=release_id, **data)
            for signature in release.signatures:
                session.refresh(signature, ["person"])
        return release


@releases_blp.route("/<uuid:release_id>/publish")
class Publish(MethodView):
    @requires(Permission.RELEASE_PUBLISH)
    @releases_blp.response(200, ReleaseSchema)
    def post(self, release_id: UUID) -> Any:
        """Publish a signed release to its collection's partners."""
        with transaction() as session:
            return publishing.publish_release(
                session, current_identity(), _keys(), resource(Vault), release_id=release_id
            )


@grants_blp.route("")
class Grants(MethodView):
    @requires(Permission.GRANT_READ)
    @grants_blp.arguments(PageQuerySchema, location="query")
    @grants_blp.response(200, page_schema(GrantSchema))
    def get(self, page: dict[str, Any]) -> Any:
        """Every grant, newest first."""
        with transaction() as session:
            return grants.list_grants(session, current_identity(), **page)

    @requires(Permission.GRANT_PROPOSE)
    @grants_blp.arguments(GrantCreateSchema)
    @grants_blp.response(201, GrantSchema)
    def post(self, data: dict[str, Any]) -> Any:
        """Ask for a grant; two approvers decide."""
        with transaction() as session:
            grant = grants.request_grant(session, current_identity(), **data)
            session.refresh(grant)
        return grant


@grants_blp.route("/<uuid:grant_id>/approvals")
class Approvals(MethodView):
    @requires(Permission.GRANT_APPROVE)
    @grants_blp.response(201, GrantSchema)
    def post(self, grant_id: UUID) -> Any:
        """Say yes to a grant; the second approver's makes it active."""
        with transaction() as session:
            grant = grants.approve_grant(session, current_identity(), grant_id=grant_id)
            for approval in grant.approvals:
                session.refresh(approval, ["person"])
        return grant


@grants_blp.route("/<uuid:grant_id>/revoke")
class Revoke(MethodView):
    @requires(Permission.GRANT_PROPOSE)
    @grants_blp.arguments(RevokeSchema)
    @grants_blp.response(200, GrantSchema)
    def post(self, data: dict[str, Any], grant_id: UUID) -> Any:
        """End a grant at once."""
        with transaction() as session:
            return grants.revoke_grant(session, current_identity(), grant_id=grant_id, **data)
