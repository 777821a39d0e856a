"""What every page shares: templates, the menu, static files, signing in when needed, errors a person can read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, current_app, g, redirect, render_template, request, send_from_directory
from jinja2 import ChoiceLoader, PackageLoader
from werkzeug.wrappers import Response as AnyResponse

from app.accounts.identity_loader import csrf_token
from app.authz.gate import public
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.db import Database
from app.core.http import current_identity, resource
from app.custody import service as custody
from app.web import assets
from app.web.navigation import items_for
from app.web.pages import blueprints

NOT_PAGES = ("/api/", "/oauth/", "/tuf/", "/log/checkpoint", "/log/tile", "/static/", "/healthz", "/readyz")
YEAR = 365 * 24 * 3600


class Shell:
    """The pages of one surface."""

    def __init__(self, surface: str) -> None:
        self.surface = surface

    def redirect_to_sign_in(self) -> AnyResponse | None:
        """For the login gate: an anonymous caller of a page is sent to sign in, and back afterwards."""
        if not wants_page():
            return None
        if request.headers.get("HX-Request"):
            return Response(status=401, headers={"HX-Redirect": "/sign-in"})
        back = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return redirect(f"/sign-in?{urlencode({'next': back})}" if back != "/" else "/sign-in")


def init_pages(app: Flask, surface: str) -> Shell:
    """Adds templates, static files and the surface's pages."""
    environment = (
        app.jinja_env
    )  # made already by the time that sessions are set up: its options come too late
    environment.loader = ChoiceLoader([PackageLoader("app.web"), PackageLoader("govuk_frontend_jinja")])
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.autoescape = True
    environment.filters.update(when=when, exactly=exactly, size=size, plural=plural, words=words)
    app.context_processor(_context)
    app.after_request(_page_for_problem)
    app.add_url_rule("/static/<path:filename>", "static", _static)
    for blueprint in blueprints(surface):
        app.register_blueprint(
            blueprint, name=f"{blueprint.name}-pages"
        )  # the API has blueprints of the same names
    return Shell(surface)


@public("style sheets, scripts and fonts of the pages")
def _static(filename: str) -> Response:
    response = send_from_directory(assets.STATIC, filename, max_age=YEAR)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def wants_page() -> bool:
    """True when a person's browser asks for a page rather than a program for data."""
    return not request.path.startswith(NOT_PAGES) and request.accept_mimetypes.accept_html


def _context() -> dict[str, Any]:
    identity = current_identity()
    surface = current_app.config["CORDON_SURFACE"]
    return {
        "identity": identity,
        "surface": surface,
        "menu": items_for(identity, surface),
        "csrf_token": csrf_token,
        "asset": assets.entry,
        "to_decide": _to_decide,
        "can": lambda name: permits(identity, Permission(name)),
        "current_path": request.path,
    }


def _to_decide() -> int:
    """How many decisions about footage wait for whoever may take them. A page that tells of an error asks nothing: the
    database may be what failed."""
    identity = current_identity()
    if g.get("tells_problem") or not permits(identity, Permission.CUSTODY_DECIDE):
        return 0
    with resource(Database).transaction() as session:
        return custody.to_decide(session, identity)


def _page_for_problem(response: Response) -> Response:
    """Shows problem details as a page where a page was asked for; the status stays."""
    if response.content_type != "application/problem+json" or not wants_page():
        return response
    g.tells_problem = True
    found = json.loads(response.get_data())
    page = Response(
        render_template("error.html", problem=found), response.status_code, content_type="text/html"
    )
    page.headers.extend((k, v) for k, v in response.headers if k.lower() in ("allow", "retry-after"))
    page.headers["X-Request-Id"] = g.get("request_id", "")
    return page


def local_path(address: str | None) -> str:
    """`address` where it stays on this site, otherwise "/": nobody is sent elsewhere after signing in."""
    parts = urlsplit(address or "")
    safe = (
        not parts.scheme and not parts.netloc and parts.path.startswith("/") and "\\" not in (address or "")
    )
    return address if safe and address and not address.startswith("//") else "/"


def when(moment: datetime | None) -> str:
    """A moment as people write it, in UTC."""
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC") if moment else "–"


def exactly(moment: datetime | None) -> str:
    """A moment to the second, in UTC: for clocks that are compared."""
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M:%S UTC") if moment else "–"


def size(count: int | None) -> str:
    """Bytes as people say them."""
    value = float(count or 0)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("unreachable")


def plural(count: int, one: str, many: str = "") -> str:
    """`1 clip`, `2 clips`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def words(value: str) -> str:
    """A state's or role's name as words: `awaiting_sign_off` → `awaiting sign off`."""
    return value.replace("_", " ").replace("-", " ")
