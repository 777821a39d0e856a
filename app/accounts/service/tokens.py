"""Access tokens for machine clients: OAuth 2 client credentials (RFC 6749 4.4), opaque, 15 minutes.

A token is 256 random bits, known here by its SHA-256 only; it is looked up for each request, so that disabling a
client, person or organisation takes effect at once.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from authlib.oauth2.rfc6749 import InvalidClientError
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.models import AccessToken, MachineClient
from app.accounts.service.assertions import ClientAssertionCheck
from app.accounts.service.identities import Surface, client_may_act, identity_of_client
from app.audit.events import Tag
from app.audit.service import append
from app.core import clock
from app.core.identity import ANONYMOUS, Identity

LIFETIME = timedelta(seconds=900)
MAX_PURPOSE = 200
_MAX_TOKEN = 256


class OAuthError(Exception):
    """An error of the token endpoint, in RFC 6749 5.2's own terms; `client` is whom to hold to account, if known."""

    def __init__(self, error: str, description: str, client: MachineClient | None = None) -> None:
        super().__init__(error)
        self.error, self.description, self.client = error, description, client

    @property
    def status(self) -> int:
        return 401 if self.error == "invalid_client" else 400


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token, shown this once. `expires_in` is seconds."""

    access_token: str
    expires_in: int


def issue_token(
    session: Session,
    form: Mapping[str, str],
    *,
    token_endpoint: str,
    surface: Surface,
    request_id: str | None,
) -> IssuedToken:
    """Exchanges a client assertion for a token. Raises OAuthError; roll back, then `record_refusal`."""
    _check_form(form)
    check = ClientAssertionCheck(session, token_endpoint=token_endpoint, surface=surface)
    try:
        client = check.verify(dict(form))
    except InvalidClientError as error:
        # who does not prove to be a client learns nothing of which ones there are
        raise OAuthError("invalid_client", "The client assertion does not hold", check.seen) from error
    if form.get("client_id", client.client_id) != client.client_id:
        raise OAuthError("invalid_client", "client_id is not the assertion's subject", client)
    token = secrets.token_urlsafe(32)
    purpose = form.get("purpose") or None
    session.add(
        AccessToken(
            token_hash=_hash(token), client=client, purpose=purpose, expires_at=clock.now() + LIFETIME
        )
    )
    client.last_used_at = clock.now()
    actor = identity_of_client(client, request_id=request_id, purpose=purpose)
    append(session, actor, Tag.TOKEN_ISSUED, subject=("client", client.id))
    return IssuedToken(token, int(LIFETIME.total_seconds()))


def record_refusal(session: Session, error: OAuthError) -> None:
    """Audits a refused assertion that named a registered client; noise that names none is not kept."""
    if error.client is not None:
        append(
            session,
            ANONYMOUS,
            Tag.TOKEN_REFUSED,
            subject=("client", error.client.id),
            details={"error": error.error, "client_id": error.client.client_id},
            organisation_id=error.client.organisation_id,
        )


def identity_of_token(
    session: Session, token: str, surface: Surface, *, request_id: str | None = None
) -> Identity | None:
    """Who bears the token; None for an unknown or expired one, and when its client may no longer act here."""
    row = session.get(AccessToken, _hash(token)) if len(token) <= _MAX_TOKEN else None
    if row is None or row.expires_at <= clock.now() or not client_may_act(row.client, surface):
        return None
    return identity_of_client(row.client, request_id=request_id, purpose=row.purpose)


def sweep_expired(session: Session) -> int:
    """Removes expired tokens and spent assertions that could not be replayed anyway; how many."""
    return queries.delete_expired(session, clock.now())


def _check_form(form: Mapping[str, str]) -> None:
    grant = form.get("grant_type")
    if not grant:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant != "client_credentials":
        raise OAuthError("unsupported_grant_type", "Only client_credentials is offered")
    if form.get("scope"):
        raise OAuthError("invalid_scope", "Tokens carry the client's roles: ask for no scope")
    purpose = form.get("purpose", "")
    if len(purpose) > MAX_PURPOSE or not purpose.isprintable():
        raise OAuthError("invalid_request", f"purpose is one line of at most {MAX_PURPOSE} characters")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
