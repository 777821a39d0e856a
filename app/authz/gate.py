"""The login gate: every route declares its permission or says why it is public, or the service does not start.

Declaring is `@requires(Permission.X)` on the view (function, MethodView class or method) or `@public("why")`.
The innermost declaration wins: a method's over its class's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, g, request
from werkzeug.wrappers import Response

from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.errors import Forbidden, NotFound, Unauthenticated
from app.core.identity import Identity

F = TypeVar("F")
_MARK = "__cordon_access__"


@dataclass(frozen=True, slots=True)
class Access:
    """What a route asks for: a permission, or the reason why it is open."""

    permission: Permission | None
    public_because: str = ""


class GateError(Exception):
    """A route without a declared permission: the service refuses to start."""


def requires(permission: Permission) -> Callable[[F], F]:
    """Declares that the view is only for roles that hold `permission`."""
    return _mark(Access(permission))


def public(because: str) -> Callable[[F], F]:
    """Declares that the view is open to anyone, and why."""
    if not because.strip():
        raise GateError("a public route must say why it is public")
    return _mark(Access(None, because))


def _mark(access: Access) -> Callable[[F], F]:
    def decorate(view: F) -> F:
        setattr(view, _MARK, access)
        return view

    return decorate


def access_of(app: Flask, endpoint: str, method: str) -> Access | None:
    """The declaration that holds for one endpoint and method; None where there is none."""
    view: Any = app.view_functions[endpoint]
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        handler = getattr(view_class, method.lower(), None)
        found = getattr(handler, _MARK, None) or getattr(view_class, _MARK, None)
        return found if found is not None else getattr(view, _MARK, None)
    return getattr(view, _MARK, None)


def check_gate(app: Flask) -> None:
    """Raises GateError naming every route and method that declares nothing."""
    missing = [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
        if access_of(app, rule.endpoint, method) is None
    ]
    if missing:
        raise GateError("routes without a declared permission: " + "; ".join(missing))


def install_gate(
    app: Flask,
    load_identity: Callable[[], Identity],
    *,
    on_anonymous: Callable[[], Response | None] = lambda: None,
) -> None:
    """Enforces the declarations before each request.

    `load_identity` reads who makes the request and raises Unauthenticated for credentials that do not hold;
    `on_anonymous` may answer an anonymous caller of a guarded page with a redirect to signing in.
    A caller without the permission gets 403 on a collection and 404 on anything that names an object.
    """

    def gate() -> Response | None:
        if request.routing_exception is not None or request.endpoint is None:
            return None  # Flask raises it next: 404, 405
        method = "GET" if request.method == "HEAD" else request.method
        access = access_of(app, request.endpoint, method)
        if request.method == "OPTIONS" and access is None:
            return None  # Flask's own answer: the Allow header
        if access is None:
            raise NotFound
        g.cordon_identity = identity = load_identity()
        if access.permission is None:
            return None
        if not identity.authenticated:
            answer = on_anonymous()
            if answer is not None:
                return answer
            raise Unauthenticated
        if not permits(identity, access.permission):
            raise NotFound if request.view_args else Forbidden
        return None

    app.before_request(gate)
