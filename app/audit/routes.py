"""The log over HTTP: entries and proofs for auditors; checkpoint and tiles, which name nobody, for everyone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from app.audit import service
from app.audit.queries import EventFilter
from app.audit.schemas import (
    ConsistencyQuerySchema,
    ConsistencySchema,
    EventPageSchema,
    EventQuerySchema,
    EventSchema,
    consistency_body,
    event_body,
)
from app.authz.gate import public, requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.errors import NotFound
from app.core.http import current_identity, transaction
from app.proofs.errors import ProofError
from app.proofs.tiles import parse_tile_path

blp = Blueprint("audit", __name__, url_prefix="/api/v1/audit", description="The audit log and its proofs")
log_blp = Blueprint("log", __name__, url_prefix="/log", description="The log's public tree (C2SP tlog-tiles)")

_TEXT = "text/plain; charset=utf-8"
_WHY_PUBLIC = "salted hashes and signed tree heads name nobody and must be open to whoever checks them"


@blp.get("/events")
@requires(Permission.AUDIT_READ)
@blp.arguments(EventQuerySchema, location="query", as_kwargs=True)
@blp.response(200, EventPageSchema)
def list_events(wanted: EventFilter, cursor: str | None, limit: int) -> dict[str, Any]:
    """Entries, newest first."""
    with transaction() as session:
        page = service.list_events(session, current_identity(), wanted, cursor=cursor, limit=limit)
        return {"items": [event_body(event) for event in page.items], "next_cursor": page.next_cursor}


@blp.get("/events/<uuid:event_id>")
@requires(Permission.AUDIT_READ)
@blp.response(200, EventSchema)
def get_event(event_id: UUID) -> dict[str, Any]:
    """One entry."""
    with transaction() as session:
        return event_body(service.get_event(session, current_identity(), event_id))


@blp.get("/events/<uuid:event_id>/proof")
@requires(Permission.AUDIT_READ)
@blp.response(200, {"type": "string"}, content_type="text/plain", description="C2SP tlog-proof")
def get_proof(event_id: UUID) -> Response:
    """The entry with its inclusion proof, for `cordon audit verify`."""
    with transaction() as session:
        bundle = service.prove_event(session, current_identity(), event_id)
    answer = Response(bundle.serialise(), content_type=_TEXT)
    answer.headers["Content-Disposition"] = f'attachment; filename="{event_id}.tlog-proof"'
    return answer


@blp.get("/consistency")
@requires(Permission.AUDIT_READ)
@blp.arguments(ConsistencyQuerySchema, location="query", as_kwargs=True)
@blp.response(200, ConsistencySchema)
def get_consistency(old_size: int, new_size: int) -> dict[str, Any]:
    """Proof that the log only grew between two sizes."""
    with transaction() as session:
        return consistency_body(service.consistency(session, old_size, new_size))


@log_blp.get("/checkpoint")
@public(_WHY_PUBLIC)
@log_blp.response(200, {"type": "string"}, content_type="text/plain", description="C2SP checkpoint")
def get_checkpoint() -> Response:
    """The newest signed tree head."""
    with transaction() as session:
        note = service.checkpoint_note(session)
    return Response(note, content_type=_TEXT, headers={"Cache-Control": "no-cache"})


@log_blp.get("/tile/<path:place>")
@public(_WHY_PUBLIC)
@log_blp.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_tile(place: str) -> Response:
    """Hashes of one tile: `<L>/<N>[.p/<W>]`."""
    try:
        level, index, width = parse_tile_path(place)
    except ProofError:
        raise NotFound from None
    with transaction() as session:
        data = service.tile(session, level, index, width)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(data, content_type="application/octet-stream", headers=headers)
