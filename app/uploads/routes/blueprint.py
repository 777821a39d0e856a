"""The blueprint of uploads, and how its refusals look."""

from __future__ import annotations

from flask import Response, request

from app.core.blueprint import Blueprint
from app.core.errors import DomainError
from app.core.http import note_hidden, problem, status_of
from app.uploads.routes import tus

blp = Blueprint(
    "uploads", __name__, url_prefix="/api/v1/uploads", description="Resumable uploads (tus 1.0.0)"
)


@blp.after_app_request
def _say_version(response: Response) -> Response:
    """On every answer of a tus resource, also where no view was reached: the wrong method, a failure."""
    if tus.RESOURCE.match(request.path):
        response.headers.setdefault("Tus-Resumable", tus.VERSION)
    return response


@blp.errorhandler(DomainError)
def _tus_problem(error: DomainError) -> Response:
    """Problem details with the statuses that tus prescribes."""
    note_hidden(error)
    status = next((tus.STATUS[kind] for kind in type(error).__mro__ if kind in tus.STATUS), None)
    code = int(status[:3]) if status else status_of(error)
    headers = {"Tus-Resumable": tus.VERSION, "Tus-Version": tus.VERSION}
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if code == 503:
        headers["Retry-After"] = "5"
    response = problem(code, error.type, error.title, error.detail, headers=headers, **error.extra)
    if status:
        response.status = status
    return response
