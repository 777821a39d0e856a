"""What is said of recordings: changed for one, or for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from marshmallow import ValidationError, fields, validate
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.core.schema import BaseSchema
from app.exercises.vocabulary import VIEWPOINTS
from app.recordings import service
from app.uploads.schemas import DetailsSchema
from app.uploads.vocabulary import DETAILS
from app.web.forms import Form, read_form

pages = Blueprint("details", __name__)
Answer = Response | str | tuple[str, int]
MOST = 1000


class OneDetailsSchema(DetailsSchema):
    """All details of one recording, and the version that the form was filled from."""

    version = fields.Integer(required=True)


class ManyDetailsFormSchema(DetailsSchema):
    """What to say of all chosen recordings; what is left empty stays as it is."""

    id = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST))
    fill = fields.String(load_default="", validate=validate.OneOf(("yes", "")))


class ChosenSchema(BaseSchema):
    id = fields.List(fields.UUID(), required=True, validate=validate.Length(1, MOST))


@pages.get("/recordings/<uuid:recording_id>/details")
@requires(Permission.UPLOAD_WRITE)
def details(recording_id: UUID) -> Answer:
    """The form, filled with what is said; what is not said yet, with what the file itself claims."""
    with transaction() as session:
        recording = service.get_many(session, current_identity(), [recording_id])[0]
    said, claimed = service.details_of(recording), service.suggestion_of(recording)
    suggested = [name for name in ("camera", "started_at") if said[name] is None and name in claimed]
    shown = said | {name: claimed[name] for name in suggested}
    values = {name: _typed(value) for name, value in shown.items()} | {"version": recording.details_version}
    return _page(recording_id, Form(values), 200, suggested)


@pages.post("/recordings/<uuid:recording_id>/details")
@requires(Permission.UPLOAD_WRITE)
def save_details(recording_id: UUID) -> Answer:
    """Saves unless somebody else did since the form was filled; an emptied field takes back what was said."""
    form, data = read_form(OneDetailsSchema)
    if form.ok:
        changes = {name: data.get(name) for name in DETAILS}
        with form.catching(), transaction() as session:
            service.change_details(
                session, current_identity(), recording_id, version=data["version"], changes=changes
            )
    if not form.ok:
        return _page(recording_id, form, 422)
    flash("The details were saved.", "success")
    return redirect(f"/recordings/{recording_id}")


@pages.get("/recordings/details")
@requires(Permission.UPLOAD_WRITE)
def many_details() -> Answer:
    """The form for those that were ticked, or for all that can still be described of an exercise."""
    if exercise := request.args.get("exercise", type=UUID):
        with transaction() as session:
            ids = service.describable(session, current_identity(), exercise)
        if ids:
            return _many_page(ids, Form(), 200)
    return _many_page_of(request.args.getlist("id"), Form(), 200)


@pages.post("/recordings/details")
@requires(Permission.UPLOAD_WRITE)
def save_many_details() -> Answer:
    """Says the same of all of them, or, where one cannot be changed, of none."""
    form, data = read_form(ManyDetailsFormSchema, lists=("id",))
    if form.ok:
        ids, fill = data.pop("id"), bool(data.pop("fill"))
        with form.catching(), transaction() as session:
            service.change_many(session, current_identity(), ids=ids, changes=data, fill_suggested=fill)
    if not form.ok:
        return _many_page_of(form.values["id"], form, 422)
    flash(f"Details saved for {len(ids)} recording{'s' if len(ids) > 1 else ''}.", "success")
    return redirect("/recordings")


def _page(recording_id: UUID, form: Form, status: int, suggested: Sequence[str] = ()) -> Answer:
    with transaction() as session:
        recording = service.get_many(session, current_identity(), [recording_id])[0]
    return render_template(
        "pages/details.html",
        form=form,
        recording=recording,
        clock=service.suggestion_of(recording).get("clock"),
        suggested=suggested,
        viewpoints=[("", "Not said"), *VIEWPOINTS.items()],
    ), status


def _many_page_of(chosen: list[str], form: Form, status: int) -> Answer:
    """The form for what was ticked; back to the list where that is nothing, or no recording's id."""
    try:
        ids = ChosenSchema().load({"id": chosen})["id"]
    except ValidationError:
        flash("Choose the recordings first, then change their details.", "warning")
        return redirect("/recordings")
    return _many_page(ids, form, status)


def _many_page(ids: list[UUID], form: Form, status: int) -> Answer:
    with transaction() as session:
        found = service.get_many(session, current_identity(), ids)
    claims = {one.id: service.suggestion_of(one) for one in found}
    viewpoints = [("", "As it is"), *VIEWPOINTS.items()]
    shown = {"form": form, "recordings": found, "claims": claims, "viewpoints": viewpoints}
    return render_template("pages/details_many.html", **shown), status


def _typed(value: Any) -> str:
    """A value as one types it."""
    if value is None:
        return ""
    return (
        value.isoformat()
        if hasattr(value, "isoformat")
        else f"{value:g}"
        if isinstance(value, float)
        else value
    )
