"""Oneself: taking over an account, enrolling a command line, one's signing key."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts import service
from app.accounts.identity_loader import attempt, verify_person
from app.accounts.models import MachineClient, Organisation, SigningKey
from app.accounts.schemas import (
    ActivationConfirmSchema,
    ActivationSchema,
    EnrolledSchema,
    EnrolSchema,
    MeSchema,
    SigningKeyCreateSchema,
    SigningKeyListSchema,
    SigningKeySchema,
    TotpSetupSchema,
)
from app.accounts.service.activation import TotpSetup
from app.authz.gate import public, requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, resource, transaction
from app.settings import Settings

activation_blp = Blueprint(
    "activation", __name__, url_prefix="/api/v1/activation", description="Taking over an account"
)
blp = Blueprint("me", __name__, url_prefix="/api/v1/me", description="Who I am")
keys_blp = Blueprint(
    "signing-keys", __name__, url_prefix="/api/v1/me/signing-keys", description="An approver's key"
)


@activation_blp.route("", methods=["POST"])
@public("the activation code proves who one is")
@activation_blp.arguments(ActivationSchema)
@activation_blp.response(200, TotpSetupSchema)
@activation_blp.doc(security=[])
def activate(body: dict[str, Any]) -> TotpSetup:
    """Choose a password; the answer sets up an authenticator app"""
    with attempt(), transaction() as session:
        return service.activate(session, secret_key=resource(Settings).secret_key, **body)


@activation_blp.route("/confirm", methods=["POST"])
@public("the activation code proves who one is")
@activation_blp.arguments(ActivationConfirmSchema)
@activation_blp.response(204)
@activation_blp.doc(security=[])
def confirm(body: dict[str, Any]) -> None:
    """Prove that the authenticator app is set up; the account opens"""
    body["totp_code"] = body.pop("totp")
    with attempt(), transaction() as session:
        service.confirm_activation(session, secret_key=resource(Settings).secret_key, **body)


@blp.route("")
@requires(Permission.SELF)
@blp.response(200, MeSchema)
def me() -> dict[str, Any]:
    """Who I am: organisation and roles"""
    identity = current_identity()
    with transaction() as session:
        organisation = session.get(Organisation, identity.organisation_id)
    return {
        "kind": identity.kind.value,
        "id": identity.id,
        "label": identity.label,
        "person_id": identity.person_id,
        "roles": sorted(identity.roles),
        "organisation": organisation,
    }


@blp.route("/clients/enrol", methods=["POST"])
@public("password and TOTP code prove who one is: how a command line of one's own begins")
@blp.arguments(EnrolSchema)
@blp.response(201, EnrolledSchema)
@blp.doc(security=[])
def enrol(body: dict[str, Any]) -> MachineClient:
    """Enrol a command line of one's own"""
    person = verify_person(body["email"], body["password"], body["totp"])
    with transaction() as session:
        return service.enrol_client(session, person, name=body["name"], public_key_pem=body["public_key_pem"])


@keys_blp.route("")
class SigningKeys(MethodView):
    @requires(Permission.SIGNING_KEY_REGISTER)
    @keys_blp.response(200, SigningKeyListSchema)
    def get(self) -> dict[str, list[SigningKey]]:
        """My signing keys, newest first"""
        with transaction() as session:
            return {"items": service.list_signing_keys(session, current_identity())}

    @requires(Permission.SIGNING_KEY_REGISTER)
    @keys_blp.arguments(SigningKeyCreateSchema)
    @keys_blp.response(201, SigningKeySchema)
    def post(self, body: dict[str, Any]) -> tuple[SigningKey, dict[str, str]]:
        """Register the public half of my signing key"""
        with transaction() as session:
            key = service.register_signing_key(session, current_identity(), **body)
        return key, {"Location": "/api/v1/me/signing-keys"}
