"""Who makes this request: a person by session cookie (Flask-Security's session), a client by bearer token.

Of Flask-Security this uses the session parts alone: see docs/adr/0006-flask-security-parts.md.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, request, session
from flask_login import current_user
from flask_security import RoleMixin, Security, UserMixin
from flask_security.datastore import UserDatastore
from flask_security.utils import login_user, logout_user

from app.accounts import service
from app.accounts.attempts import CREDENTIAL_FAILURES, AttemptLimit
from app.accounts.models import Person
from app.accounts.service import SignInRefused, Surface, identity_of_person
from app.core import clock
from app.core.errors import Forbidden, Unauthenticated
from app.core.http import current_identity, provide, resource, transaction
from app.core.identity import ActorKind, Identity
from app.settings import Settings

IDLE_LIFETIME = timedelta(minutes=60)
ABSOLUTE_LIFETIME = timedelta(hours=12)
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CsrfRefused(Forbidden):
    type = "csrf-refused"
    title = "The request does not carry this session's token: reload the page, then try again"


class SessionUser(UserMixin):
    """A signed-in person as Flask-Security knows people; `roles` stays empty, for `authz` decides."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.fs_uniquifier = person.fs_uniquifier
        self.active = person.active
        self.roles: list[Any] = []


class People(UserDatastore):
    """Flask-Security's view of people: it may look one up by session, and write nothing."""

    def __init__(self) -> None:
        super().__init__(Person, RoleMixin)  # type: ignore[arg-type]  # asked only for fs_uniquifier

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> SessionUser | None:  # noqa: ARG002
        """The person of this session, unless it is over."""
        started = float(session.get("fs_paa", 0))  # set by login_user
        if clock.now().timestamp() - started > ABSOLUTE_LIFETIME.total_seconds():
            return None
        with transaction() as db:
            person = service.person_of_session(db, str(kwargs["fs_uniquifier"]), current_surface())
        return SessionUser(person) if person is not None else None


def init_sessions(app: Flask) -> None:
    """Sets up sessions and the limit of attempts. Needs Settings provided and CORDON_SURFACE configured.

    Flask refuses a cookie that was not renewed for IDLE_LIFETIME and renews it with each answer.
    """
    settings: Settings = app.extensions["cordon"][Settings]
    surface: Surface = app.config["CORDON_SURFACE"]
    secure = (settings.staff_url if surface == "staff" else settings.partner_url).startswith("https:")
    app.config.update(
        SESSION_COOKIE_NAME=f"{'__Host-' if secure else ''}cordon-{surface}",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=IDLE_LIFETIME,
        SESSION_REFRESH_EACH_REQUEST=True,
        SECURITY_USE_REGISTER_V2=True,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
    )
    security = Security(app, People(), register_blueprint=False)
    security.login_manager.request_loader(_no_other_way_in)
    provide(app, AttemptLimit, AttemptLimit(settings.rate_limit_sign_in, settings.rate_limit_storage_uri))


def current_surface() -> Surface:
    """Which of the two applications this is."""
    surface: Surface = current_app.config["CORDON_SURFACE"]
    return surface


def load_identity() -> Identity:
    """The identity of this request, ANONYMOUS without credentials.

    Raises Unauthenticated for a token that does not hold, CsrfRefused for a cookie without its CSRF token.
    """
    if header := request.headers.get("Authorization"):
        return _bearer(header)
    if not current_user.is_authenticated:
        return Identity(ActorKind.ANONYMOUS, None, "anonymous", request_id=g.get("request_id"))
    if request.method not in SAFE_METHODS:
        check_csrf()
    person: Person = current_user.person
    return identity_of_person(person, request_id=g.get("request_id"))


def begin_session(email: str, password: str, totp_code: str) -> Person:
    """Signs a person in and sets the session cookie. Raises SignInRefused, TooManyRequests, CsrfRefused.

    A form on another site cannot sign a browser in: browsers say where a request comes from (Fetch Metadata).
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CsrfRefused
    person = verify_person(email, password, totp_code)
    session.clear()
    login_user(SessionUser(person), remember=False, authn_via=["password", "authenticator"])
    session.permanent = True
    csrf_token()
    return person


def verify_person(email: str, password: str, totp_code: str) -> Person:
    """The person whose three credentials these are; failures are counted even though the request is refused."""
    with attempt():
        with transaction() as db:
            person = service.sign_in(
                db,
                secret_key=resource(Settings).secret_key,
                surface=current_surface(),
                email=email,
                password=password,
                totp_code=totp_code,
            )
        if person is None:
            raise SignInRefused
    return person


def end_session() -> None:
    """Signs out everywhere: the cookie goes, and copies of it are worth nothing."""
    with transaction() as db:
        service.sign_out(db, current_identity())
    logout_user()
    session.clear()


def attempt(*failures: type[Exception]) -> Any:
    """Around anything that proves who one is: limits an address's failures (credentials' errors unless told)."""
    limit = resource(AttemptLimit)
    return limit.attempt(request.remote_addr or "", failures=failures or CREDENTIAL_FAILURES)


def csrf_token() -> str:
    """This session's token, for a page's forms (`csrf_token`) and its requests (X-CSRF-Token)."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    token: str = session["csrf"]
    return token


def check_csrf() -> None:
    """Raises CsrfRefused unless header or form field holds this session's token."""
    given = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD) or ""
    if not hmac.compare_digest(given.encode(), session.get("csrf", "").encode()) or not given:
        raise CsrfRefused


def _bearer(header: str) -> Identity:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Use the scheme Bearer with a token from /oauth/token")
    with transaction() as db:
        identity = service.identity_of_token(
            db, token.strip(), current_surface(), request_id=g.get("request_id")
        )
    if identity is None:
        raise Unauthenticated("The token is unknown or has expired: ask /oauth/token for a new one")
    return identity


def _no_other_way_in(_: Any) -> None:
    """Flask-Security would also take a token from the query string: tokens in addresses end up in logs."""
