"""What a force decides about its footage: a page of all that waits, and one for each recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.core.identity import Identity
from app.custody import service
from app.custody.schemas import MovedOutSchema, ReasonSchema, RetentionSchema, ReviewCreateSchema
from app.redaction import service as redaction
from app.web.forms import Form, read_form

pages = Blueprint("custody", __name__)
Answer = Response | str | tuple[str, int]
Act = Callable[[Session, Identity, UUID, dict[str, Any]], object]
PAGE = 50


@pages.get("/custody")
@requires(Permission.RECORDING_READ)
def custody() -> Answer:
    """Everything that waits, each list by a cursor of its own name."""
    with transaction() as session:
        identity = current_identity()
        listed = {
            name: listing(session, identity, cursor=request.args.get(name), limit=PAGE)
            for name, listing in (
                ("incidents", service.list_incidents),
                ("unreviewed", service.list_unreviewed),
                ("due", service.list_due),
                ("erasures", service.list_erasures),
                ("holds", service.list_holds),
            )
        }
        counts = service.waiting(session, identity)
    return render_template("pages/custody.html", counts=counts, **listed)


@pages.get("/recordings/<uuid:recording_id>/custody")
@requires(Permission.RECORDING_READ)
def recording_custody(recording_id: UUID) -> Answer:
    return _standing_page(recording_id, Form(), 200)


@pages.post("/recordings/<uuid:recording_id>/custody/review")
@requires(Permission.CUSTODY_DECIDE)
def review(recording_id: UUID) -> Answer:
    def act(session: Session, identity: Identity, id_: UUID, data: dict[str, Any]) -> object:
        return service.confirm_review(session, identity, id_, **data)

    return _decide(recording_id, ReviewCreateSchema, act, "Reviewed: it may be released as it is now.")


@pages.post("/recordings/<uuid:recording_id>/custody/retention")
@requires(Permission.CUSTODY_DECIDE)
def retention(recording_id: UUID) -> Answer:
    def act(session: Session, identity: Identity, id_: UUID, data: dict[str, Any]) -> object:
        return service.decide_retention(session, identity, id_, **data)

    return _decide(recording_id, RetentionSchema, act, "Decided. It is in the log with your reason.")


@pages.post("/recordings/<uuid:recording_id>/custody/moved-out")
@requires(Permission.CUSTODY_DECIDE)
def moved_out(recording_id: UUID) -> Answer:
    def act(session: Session, identity: Identity, id_: UUID, data: dict[str, Any]) -> object:
        return service.confirm_moved_out(session, identity, id_, sha256=bytes.fromhex(data["sha256"]))

    return _decide(
        recording_id, MovedOutSchema, act, "Your copy is the original. The erasure of ours is requested."
    )


@pages.post("/recordings/<uuid:recording_id>/custody/erasure-confirm")
@requires(Permission.CUSTODY_DECIDE)
def confirm_erasure(recording_id: UUID) -> Answer:
    def act(session: Session, identity: Identity, id_: UUID, _data: dict[str, Any]) -> object:
        return service.confirm_erasure(session, identity, id_)

    return _decide(recording_id, Schema, act, "Confirmed: it is being erased. The certificate will be here.")


def _with_reason(decide: Callable[..., object]) -> Act:
    def act(session: Session, identity: Identity, id_: UUID, data: dict[str, Any]) -> object:
        return decide(session, identity, id_, reason=data["reason"])

    return act


REASONED: dict[str, tuple[Act, str]] = {
    "review-revoke": (_with_reason(service.revoke_review), "Taken back: nothing of it is released any more."),
    "hold": (_with_reason(service.place_hold), "Held: nothing of it is erased until the hold is lifted."),
    "hold-lift": (_with_reason(service.lift_hold), "The hold is lifted."),
    "incident": (_with_reason(service.mark_incident), "Quarantined: only your force's officers see it now."),
    "incident-clear": (_with_reason(service.clear_incident), "Cleared: it is back where it was."),
    "move-out": (_with_reason(service.move_out), "Fetch the original below, then say its SHA-256."),
    "erasure": (_with_reason(service.request_erasure), "Requested. A second officer confirms it."),
    "erasure-cancel": (_with_reason(service.cancel_erasure), "The erasure is cancelled."),
}


def _decide(recording_id: UUID, schema: type[Schema], act: Act, said: str) -> Answer:
    """Reads the form, acts, and shows the page again: with what was done, or with what is wrong."""
    form, data = read_form(schema)
    if form.ok:
        with form.catching(), transaction() as session:
            act(session, current_identity(), recording_id, data)
    if not form.ok:
        return _standing_page(recording_id, form, 422, request.path.rpartition("/")[2])
    flash(said, "success")
    return redirect(f"/recordings/{recording_id}/custody")


def _standing_page(recording_id: UUID, form: Form, status: int, acted: str = "") -> Answer:
    """The page; `acted` names the form that was sent, where something is wrong with it."""
    with transaction() as session:
        identity = current_identity()
        found = service.standing(session, identity, recording_id)
        ready = found.recording.state == "ready"
        newest = redaction.newest(session, identity, recording_id) if ready else None
    return render_template(
        "pages/recording_custody.html",
        form=form,
        found=found,
        recording=found.recording,
        redaction=newest,
        acted=acted,
    ), status


def _reasoned_page(name: str) -> Callable[..., Answer]:
    act, said = REASONED[name]

    def page(recording_id: UUID) -> Answer:
        return _decide(recording_id, ReasonSchema, act, said)

    page.__name__ = name.replace("-", "_")
    return requires(Permission.CUSTODY_DECIDE)(page)


for _name in REASONED:  # decisions that take a reason and nothing else
    pages.post(f"/recordings/<uuid:recording_id>/custody/{_name}")(_reasoned_page(_name))
