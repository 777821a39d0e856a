"""What a force has made of its recordings: parts joined, clips cut anew, copies at a constant frame rate."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template
from marshmallow import ValidationError, fields, pre_load, validate
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.exercises import service as exercises
from app.recordings import service
from app.recordings.schemas import STRATEGIES, CutSchema, ExportSchema, JoinSchema
from app.settings import Settings
from app.web.forms import Form, read_form
from app.web.words import STRATEGY_WORDS

pages = Blueprint("deriving", __name__)
Answer = Response | str | tuple[str, int]
RATES = ("24", "25", "30000/1001", "30", "50", "60000/1001", "60")
_RANGE = re.compile(r"(\d{1,9})\s*(?:-|–|to)\s*(\d{1,9})")


class CutFormSchema(CutSchema):
    """The same from a form: a range a line, as the page shows clips, with its last frame included."""

    ranges = fields.List(fields.List(fields.Integer()), load_default=list, validate=validate.Length(max=500))

    @pre_load
    def _read_lines(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        found = []
        for line in filter(str.strip, str(data.get("ranges", "")).splitlines()):
            said = _RANGE.fullmatch(line.strip())
            if said is None:
                raise ValidationError(f"“{line.strip()}” is no range: write it as 250 to 900", "ranges")
            found.append([int(said[1]), int(said[2]) + 1])
        given = {name: value for name, value in data.items() if name != "ranges" and value}
        return given | ({"ranges": found} if found else {})


@pages.get("/exercises/<uuid:exercise_id>/join")
@requires(Permission.RECORDING_DERIVE)
def ask_to_join(exercise_id: UUID) -> Answer:
    return _join_page(exercise_id, Form(), 200)


@pages.post("/exercises/<uuid:exercise_id>/join")
@requires(Permission.RECORDING_DERIVE)
def join(exercise_id: UUID) -> Answer:
    form, data = read_form(JoinSchema, lists=("ids",))
    if form.ok:
        with form.catching(), transaction() as session:
            service.request_join(session, resource(Settings), current_identity(), ids=data["ids"])
    if not form.ok:
        return _join_page(exercise_id, form, 422)
    flash("The files are being joined. What comes of it is shown below.", "success")
    return redirect(f"/exercises/{exercise_id}")


@pages.get("/recordings/<uuid:recording_id>/cut")
@requires(Permission.RECORDING_DERIVE)
def ask_to_cut(recording_id: UUID) -> Answer:
    return _cut_page(recording_id, Form(), 200)


@pages.post("/recordings/<uuid:recording_id>/cut")
@requires(Permission.RECORDING_DERIVE)
def cut(recording_id: UUID) -> Answer:
    form, data = read_form(CutFormSchema, lists=("strategies",))
    if form.ok:
        ranges = [(start, end) for start, end in data.pop("ranges")]
        with form.catching(), transaction() as session:
            service.request_cut(session, current_identity(), recording_id, ranges=ranges, **data)
    if not form.ok:
        return _cut_page(recording_id, form, 422)
    flash("The recording is being cut anew. Its present clips stay until the new ones are there.", "success")
    return redirect(f"/recordings/{recording_id}")


@pages.get("/recordings/<uuid:recording_id>/copy")
@requires(Permission.RECORDING_DERIVE)
def ask_to_copy(recording_id: UUID) -> Answer:
    return _copy_page(recording_id, Form(), 200)


@pages.post("/recordings/<uuid:recording_id>/copy")
@requires(Permission.RECORDING_DERIVE)
def copy(recording_id: UUID) -> Answer:
    form, data = read_form(ExportSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            service.request_export(session, current_identity(), recording_id, rate=data["rate"])
    if not form.ok:
        return _copy_page(recording_id, form, 422)
    flash("The copy is being made. Load this page again in a while.", "success")
    return redirect(f"/recordings/{recording_id}")


@pages.post("/recordings/derivations/<uuid:derivation_id>/cancel")
@requires(Permission.RECORDING_DERIVE)
def cancel(derivation_id: UUID) -> Answer:
    with transaction() as session:
        stopped = service.cancel_derivation(session, current_identity(), derivation_id)
    flash("It was stopped. What was there before is untouched.", "success")
    return redirect(f"/recordings/{stopped.recording_id}")


def _join_page(exercise_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        identity = current_identity()
        exercise = exercises.get_exercise(session, identity, exercise_id)
        found = service.joinable(session, identity, exercise_id)
    choices = [(str(one.id), one.filename) for one in found]
    return render_template("pages/join.html", form=form, exercise=exercise, choices=choices), status


def _cut_page(recording_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        found = service.get_overview(session, current_identity(), recording_id)
    choices = [(name, STRATEGY_WORDS[name]) for name in STRATEGIES]
    page = render_template("pages/recording_cut.html", form=form, recording=found.recording, choices=choices)
    return page, status


def _copy_page(recording_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        found = service.get_overview(session, current_identity(), recording_id)
    rates = [(rate, f"{rate} frames a second") for rate in RATES]
    return render_template(
        "pages/recording_copy.html", form=form, recording=found.recording, rates=rates
    ), status
