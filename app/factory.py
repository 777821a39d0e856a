"""Builds the two applications: `staff` for forces and operators, `partner` for companies.

Two audiences never share a process: the partner surface has no route that shows footage, labels or people.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from flask import Flask, Response, g, request
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from app.accounts.identity_loader import init_sessions, load_identity
from app.accounts.routes import blueprints as account_blueprints
from app.annotation.routes import blueprints as annotation_blueprints
from app.audit import service as audit
from app.audit.events import Tag
from app.audit.routes import blp as audit_blueprint
from app.audit.routes import log_blp as log_blueprint
from app.authz.gate import access_of, check_gate, install_gate, public
from app.authz.permission_map import roles_with
from app.core import http
from app.core.db import Database
from app.core.metrics import init_metrics
from app.core.openapi import CordonApi, document_access, document_parameter, security_schemes
from app.core.repeats import PARAMETER, init_repeats, takes_key
from app.custody.routes import blueprints as custody_blueprints
from app.datasets.routes import blp as datasets_blueprint
from app.datasets.routes import versions_blp as versions_blueprint
from app.embedded import embedded_url
from app.exercises.routes import blp as exercises_blueprint
from app.partners.routes import blp as agreements_blueprint
from app.recordings.routes import blp as recordings_blueprint
from app.recordings.routes import checks_blp as checks_blueprint
from app.redaction.routes import blueprints as redaction_blueprints
from app.releases.routes import partner_blueprints as partner_release_blueprints
from app.releases.routes import staff_blueprints as staff_release_blueprints
from app.settings import Settings
from app.storage.incoming import require_reachable
from app.storage.vault import Vault
from app.uploads.routes import blp as uploads_blueprint
from app.uploads.routes import direct_blp as direct_uploads_blueprint
from app.web import init_pages
from app.web.policy import content_policy

Surface = Literal["staff", "partner"]
log = logging.getLogger(__name__)


def blueprints_of(surface: Surface) -> list[Any]:
    """The API blueprints of one surface."""
    if surface == "partner":
        return [*account_blueprints("partner"), *partner_release_blueprints, log_blueprint]
    return [
        *account_blueprints("staff"),
        agreements_blueprint,
        exercises_blueprint,
        uploads_blueprint,
        direct_uploads_blueprint,
        checks_blueprint,
        recordings_blueprint,
        *redaction_blueprints,
        *custody_blueprints,
        *annotation_blueprints,
        datasets_blueprint,
        versions_blueprint,
        *staff_release_blueprints,
        audit_blueprint,
        log_blueprint,
    ]


def create_app(settings: Settings, surface: Surface, *, database: Database | None = None) -> Flask:
    """The application of one surface. Raises GateError if any of its routes declares no permission, SettingsError for
    settings that do not go together.

    `database` is given by tests; otherwise settings.database_url names it, or it is the home's embedded one.
    """
    app = Flask("app", static_folder=None)
    app.config.update(_flask_config(settings, surface))
    db = database or Database(settings.database_url or embedded_url(settings.home))
    http.provide(app, Settings, settings)
    http.provide(app, Database, db)
    vault = Vault.from_settings(settings)
    if settings.browser_uploads == "direct" and surface == "staff":
        require_reachable(vault.store)
    http.provide(app, Vault, vault)
    http.init_app(app)
    if settings.metrics_port:
        init_metrics(app)
    init_sessions(app)
    pages = init_pages(app, surface)
    install_gate(app, load_identity, on_anonymous=pages.redirect_to_sign_in)
    api = CordonApi(app)
    security_schemes(api, app)
    public("describes the API and names no secret")(CordonApi._openapi_json)
    for blueprint in blueprints_of(surface):
        api.register_blueprint(blueprint)
    document_access(api, app, lambda endpoint, method: _described_access(app, endpoint, method))
    document_parameter(api, PARAMETER, takes_key)
    http.provide(app, CordonApi, api)
    _health(app)
    _log_denials(app)
    _secure_headers(app)
    init_repeats(app)
    check_gate(app)
    _trust_proxies(app, settings.trusted_proxies)
    return app


def _described_access(app: Flask, endpoint: str, method: str) -> dict[str, Any]:
    access = access_of(app, endpoint, method)
    if access is None:
        return {}
    if access.permission is None:
        return {"security": []}
    return {"x-permission": access.permission.value, "x-roles": roles_with(access.permission)}


def _trust_proxies(app: Flask, count: int) -> None:
    """Believes the addresses that so many proxies in front add to a request, and none that a caller claims."""
    if count:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )


def _flask_config(settings: Settings, surface: Surface) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "CORDON_SURFACE": surface,
        "API_TITLE": f"Cordon, {surface} surface",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api/v1",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {"info": {"description": "Errors are RFC 9457 problem details."}},
        "MAX_CONTENT_LENGTH": http.MAX_BODY_BYTES,  # uploads lift it for themselves
        "MAX_FORM_MEMORY_SIZE": 1_000_000,
        "JSON_SORT_KEYS": False,
    }


def _health(app: Flask) -> None:
    @app.get("/healthz")
    @public("tells only that the process answers")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    @public("tells only whether its parts are reachable, by name")
    def readyz() -> dict[str, str]:
        with http.transaction() as session:
            session.execute(text("SELECT 1"))
        http.resource(Vault).store.exists("readyz")
        return {"status": "ready"}


def _log_denials(app: Flask) -> None:
    """Reaching for another organisation's things is answered 404 and kept in the log, though nothing was done."""

    @app.after_request
    def log_denial(response: Response) -> Response:
        if g.pop("reached_for_hidden", False):
            details = {"method": request.method, "path": request.path}
            with http.transaction() as session:
                audit.append(session, http.current_identity(), Tag.ACCESS_DENIED, details=details)
        return response


def _secure_headers(app: Flask) -> None:
    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", content_policy())
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cache-Control", "no-store")
        return response
