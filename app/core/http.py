"""The one place where the domain meets HTTP: errors become problem details, requests get an id, extensions a name.

RFC 9457: every error answers `application/problem+json` with a stable `type`, never a stack trace.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, json, request
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from app.core import errors
from app.core.db import Database
from app.core.idempotency import Claim
from app.core.identity import ANONYMOUS, Identity
from app.core.ids import new_id
from app.core.logging import request_id_var

log = logging.getLogger(__name__)
T = TypeVar("T")

PROBLEM_BASE = "https://cordon.example/problems/"
MAX_BODY_BYTES = 16 * 2**20  # of any request but an upload's: the longest list of clips fits several times
STATUS: dict[type[errors.DomainError], int] = {
    errors.InvalidRequest: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.StaleVersion: 412,
    errors.PreconditionRequired: 428,
    errors.TooLarge: 413,
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def provide(app: Flask, kind: type[T], value: T) -> None:
    """Registers one shared resource (Database, Vault, Settings …) under its type."""
    app.extensions.setdefault("cordon", {})[kind] = value


def resource(kind: type[T]) -> T:
    """The resource of that type of the running application. Raises KeyError if the factory forgot it."""
    found: T = current_app.extensions["cordon"][kind]
    return found


@contextmanager
def transaction() -> Iterator[Session]:
    """One transaction of the running application's database; the request's Idempotency-Key commits with it."""
    claim: Claim | None = g.get("cordon_claim")
    with resource(Database).transaction() as session:
        if claim is not None:
            claim.take(session)
        yield session
    if claim is not None:
        claim.committed()


def current_identity() -> Identity:
    """Who makes this request; ANONYMOUS before the login gate has run."""
    identity: Identity = g.get("cordon_identity", ANONYMOUS)  # `g.identity` is Flask-Principal's
    return identity


def problem(
    status: int, slug: str, title: str, detail: str = "", *, headers: Any = None, **extra: Any
) -> Response:
    """A problem details response."""
    body: dict[str, Any] = {"type": PROBLEM_BASE + slug, "title": title, "status": status}
    if detail and detail != title:
        body["detail"] = detail
    body |= {"instance": request.path, "request_id": g.get("request_id")} | extra
    response = Response(json.dumps(body), status, content_type="application/problem+json")
    response.headers.extend(headers or {})
    return response


def status_of(error: errors.DomainError) -> int:
    """The HTTP status of a domain error: that of its nearest listed ancestor."""
    return next((STATUS[c] for c in type(error).__mro__ if c in STATUS), 400)


def note_hidden(error: errors.DomainError) -> None:
    """Remembers for the log that this request reached for what is another organisation's."""
    g.reached_for_hidden = isinstance(error, errors.Hidden)


def _on_domain_error(error: errors.DomainError) -> Response:
    note_hidden(error)
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return problem(status, error.type, error.title, error.detail, headers=headers, **error.extra)


def _on_http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    slug = re.sub(r"[^a-z]+", "-", error.name.lower()).strip("-")
    data = getattr(error, "data", None) or {}  # webargs and flask-smorest put what is wrong there
    extra = {"errors": data["messages"]} if data.get("messages") else {}
    kept = {k: v for k, v in error.get_headers() if k.lower() in ("allow", "retry-after", "www-authenticate")}
    kept |= dict(data.get("headers") or {})
    return problem(
        status, slug, error.name, data.get("message") or error.description or "", headers=kept, **extra
    )


def _on_database_error(error: DBAPIError) -> Response:
    if isinstance(error, DataError):  # SQLSTATE class 22: a value that no column takes came with the request
        log.warning("a value was refused by the database", extra={"error": type(error.orig).__name__})
        refused = errors.InvalidRequest
        return problem(status_of(refused()), refused.type, refused.title, "It holds a value out of range")
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database not available", extra={"error": type(error.orig).__name__})
        return problem(503, "unavailable", errors.Unavailable.title, headers={"Retry-After": "5"})
    return _on_unexpected(error)


def _on_unexpected(error: Exception) -> Response:
    log.exception("unexpected error", exc_info=error)
    return problem(500, "internal", "Something failed on our side", "Quote the request id to the operator.")


def _begin_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else str(new_id())
    request_id_var.set(g.request_id)


def _end_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


def init_app(app: Flask) -> None:
    """Installs request ids and the one error mapping."""
    app.before_request(_begin_request)
    app.after_request(_end_request)
    app.register_error_handler(errors.DomainError, _on_domain_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(DBAPIError, _on_database_error)
    app.register_error_handler(Exception, _on_unexpected)


def etag_of(version: int) -> str:
    """The ETag of a row's version counter."""
    return f'"{version}"'


def if_match_version() -> int:
    """The version that the caller read. Raises PreconditionRequired without it, StaleVersion for a foreign one."""
    header = request.headers.get("If-Match", "")
    if not header:
        raise errors.PreconditionRequired
    match = re.fullmatch(r'(?:W/)?"(\d{1,9})"', header.strip())
    if match is None:
        raise errors.StaleVersion
    return int(match[1])
