"""The auditor's screen: the log, each entry, and a proof to take away."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, render_template, request

from app.audit import service
from app.audit.events import Tag
from app.audit.queries import EventFilter
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction

pages = Blueprint("log", __name__)
PAGE = 50


@pages.get("/log/events")
@requires(Permission.AUDIT_READ)
def events() -> str:
    tag = request.args.get("tag") or None
    with transaction() as session:
        page = service.list_events(
            session, current_identity(), EventFilter(tag=tag), cursor=request.args.get("cursor"), limit=PAGE
        )
    return render_template("pages/log.html", page=page, tag=tag, tags=sorted(t.value for t in Tag))


@pages.get("/log/events/<uuid:event_id>")
@requires(Permission.AUDIT_READ)
def event(event_id: UUID) -> str:
    with transaction() as session:
        found = service.get_event(session, current_identity(), event_id)
    return render_template("pages/log_entry.html", event=found)


@pages.get("/log/events/<uuid:event_id>/proof")
@requires(Permission.AUDIT_READ)
def proof(event_id: UUID) -> Response:
    """The proof file, to verify anywhere with `cordon audit verify`."""
    with transaction() as session:
        bundle = service.prove_event(session, current_identity(), event_id)
    headers = {"Content-Disposition": f'attachment; filename="{event_id}.tlog-proof"'}
    return Response(bundle.serialise(), content_type="text/plain; charset=utf-8", headers=headers)
