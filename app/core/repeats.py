"""`Idempotency-Key` over HTTP: which requests take it, and how a repeat is answered."""

from __future__ import annotations

import logging
import re

from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.errors import InvalidRequest
from app.core.http import current_identity, resource
from app.core.idempotency import HEADER, MAX_KEY, Answered, Claim, fingerprint
from app.settings import Settings

log = logging.getLogger(__name__)

REPLAYED = "Idempotency-Replayed"
# What happens to an upload has tus's own way to be repeated, and addresses of parts must not be kept; the others are
# asked by strangers, and are one-time by their codes.
WITHOUT = ("/api/v1/uploads", "/api/v1/activation", "/api/v1/me/clients/enrol")
# Opening an upload is like any other write. By tus it is said in headers; bytes that come along are never buffered.
BY_TUS = "/api/v1/uploads"
WITH = (BY_TUS, "/api/v1/uploads/direct")
BYTES = "application/offset+octet-stream"
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
    "description": "Sent again with the same key within a day, the request is answered and not repeated",
}
# Not Upload-Metadata, which names people and places and would outlive the erasure of the footage: whoever sent it has
# it, and HEAD tells it.
_KEPT_HEADERS = (
    "Content-Type", "Location", "ETag", "Cache-Control",
    "Tus-Resumable", "Upload-Concat", "Upload-Defer-Length", "Upload-Expires", "Upload-Length", "Upload-Offset",
)  # fmt: skip
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY}}}")


def takes_key(method: str, path: str) -> bool:
    """Whether the operation does its work once for a key."""
    if path in WITH:
        return method == "POST"
    return method == "POST" and path.startswith("/api/v1/") and not path.startswith(WITHOUT)


def init_repeats(app: Flask) -> None:
    """Installs it: after the login gate, which says who asks, and after all that may answer in the request's stead."""
    app.before_request(_begin)
    app.after_request(_keep_answer)
    app.register_error_handler(Answered, _replay)


def _begin() -> None:
    key, identity = request.headers.get(HEADER), current_identity()
    if key is None or identity.id is None or not takes_key(request.method, request.path) or _brings_bytes():
        return
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"{HEADER} is 1 to {MAX_KEY} visible ASCII characters")
    asked = fingerprint(request.method, request.full_path, _said())
    claim = Claim(identity.id, key, asked, resource(Settings).secret_key)
    with resource(Database).transaction() as session:
        claim.look(session)
    g.cordon_claim = claim


def _brings_bytes() -> bool:
    """Whether an upload's first bytes come along: as many as they may be, they would have to be read first."""
    return request.path == BY_TUS and request.mimetype == BYTES


def _said() -> bytes:
    """What is asked for, beside method and path."""
    if request.path != BY_TUS:
        return request.get_data()
    told = sorted((name, value) for name, value in request.headers if name.startswith("Upload-"))
    return "".join(f"{name}: {value}\n" for name, value in told).encode()


def _keep_answer(response: Response) -> Response:
    """Stores what a committed request answers; a failure after the commit (5xx) stays in doubt."""
    claim: Claim | None = g.pop("cordon_claim", None)
    if claim is None or claim.state != "committed" or response.status_code >= 500:
        return response
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    try:
        with resource(Database).transaction() as session:
            claim.answer(session, response.status_code, headers, response.get_data())
    except (
        DBAPIError
    ) as error:  # the work is done: its sender gets the answer, and a repeat is told of the doubt
        log.warning("an answer could not be kept", extra={"error": type(error.orig).__name__})
    return response


def _replay(answered: Answered) -> Response:
    response = Response(answered.body, answered.status)
    response.headers.update(answered.headers)
    response.headers[REPLAYED] = "true"
    return response
