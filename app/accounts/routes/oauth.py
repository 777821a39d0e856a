"""/oauth/token: errors here are RFC 6749's, not problem details, for that is what OAuth clients read."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify, request

from app.accounts.identity_loader import attempt, current_surface
from app.accounts.schemas import OAuthErrorSchema, TokenSchema
from app.accounts.service import OAuthError, issue_token
from app.accounts.service.tokens import record_refusal
from app.authz.gate import public
from app.core.blueprint import Blueprint
from app.core.http import resource, transaction
from app.settings import Settings

blp = Blueprint("oauth", __name__, url_prefix="/oauth", description="OAuth 2 client credentials")
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM = {
    "required": True,
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "required": ["grant_type", "client_assertion_type", "client_assertion"],
                "properties": {
                    "grant_type": {"type": "string", "const": "client_credentials"},
                    "client_assertion_type": {
                        "type": "string",
                        "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    },
                    "client_assertion": {"type": "string", "description": "private_key_jwt, RFC 7523"},
                    "client_id": {"type": "string"},
                    "purpose": {"type": "string", "maxLength": 200, "description": "goes into the audit log"},
                },
            }
        }
    },
}


@blp.route("/token", methods=["POST"])
@public("a client proves itself here by its signed assertion")
@blp.response(200, TokenSchema)
@blp.alt_response(400, schema=OAuthErrorSchema, description="RFC 6749 section 5.2")
@blp.alt_response(401, schema=OAuthErrorSchema, description="invalid_client")
@blp.doc(requestBody=_FORM, security=[])
def token() -> Any:
    """Exchange a client assertion for an access token"""
    try:
        with attempt(OAuthError), transaction() as session:
            issued = issue_token(
                session,
                _form(),
                token_endpoint=_token_endpoint(),
                surface=current_surface(),
                request_id=g.get("request_id"),
            )
    except OAuthError as error:
        with transaction() as session:
            record_refusal(session, error)
        return _refusal(error)
    answer = {"access_token": issued.access_token, "token_type": "Bearer", "expires_in": issued.expires_in}
    return answer, 200, NO_STORE


def _refusal(error: OAuthError) -> Response:
    response = jsonify(error=error.error, error_description=error.description)
    response.status_code = error.status
    response.headers.update(NO_STORE)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110 15.5.2 wants one
    return response


def _form() -> dict[str, str]:
    """Each parameter once (RFC 6749 3.2). Raises OAuthError."""
    form = request.form
    if any(len(values) > 1 for values in form.listvalues()):
        raise OAuthError("invalid_request", "A parameter is given more than once")
    return form.to_dict()


def _token_endpoint() -> str:
    settings = resource(Settings)
    base = settings.staff_url if current_surface() == "staff" else settings.partner_url
    return base.rstrip("/") + "/oauth/token"
