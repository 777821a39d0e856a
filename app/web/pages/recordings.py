"""Recordings for their force: state and progress, facts, pictures, clips, custody; cancel and withdraw."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.custody import service as custody
from app.exercises import service as exercises
from app.exercises.vocabulary import VIEWPOINTS
from app.recordings import service
from app.recordings.schemas import STATES, RecordingQuerySchema, WithdrawSchema
from app.storage.vault import Vault
from app.web.footage import clip_in_words, history_in_words, progress_in_words, why_in_words
from app.web.forms import Form, read_form
from app.web.words import ADVICE

pages = Blueprint("recordings", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50
QUESTIONS = ("q", "state", "exercise", "since", "until")


@pages.get("/recordings")
@requires(Permission.RECORDING_READ)
def recordings() -> Answer:
    """The list, as far as one asks for it; what cannot be read of a question is said, and not asked."""
    form, asked = _asked()
    with transaction() as session:
        identity = current_identity()
        page = service.list_recordings(
            session, identity, **asked, cursor=request.args.get("cursor"), limit=PAGE
        )
        chosen = asked.get("exercise_id")
        choices = dict(exercises.list_titles(session, identity))
        if chosen and chosen not in choices:
            choices[chosen] = exercises.get_exercise(session, identity, chosen).title
        waiting = custody.waiting(session, identity)
    address = f"/recordings?{urlencode(form.values)}"
    return render_template(
        "pages/recordings.html",
        page=page,
        form=form,
        address=address,
        states=STATES,
        exercises=choices,
        waiting=waiting,
    )


def _asked() -> tuple[Form, dict[str, Any]]:
    """What the list is asked for: as typed, with what is wrong, and as the service takes it."""
    values = {name: request.args.get(name, "").strip() for name in QUESTIONS}
    form = Form({name: value for name, value in values.items() if value})
    schema = RecordingQuerySchema(only=QUESTIONS)
    try:
        loaded: dict[str, Any] = schema.load(form.values)
    except ValidationError as error:
        form.note(error)
        loaded = schema.load({name: value for name, value in form.values.items() if name not in form.errors})
    return form, {name: value for name, value in loaded.items() if value is not None}


@pages.get("/recordings/<uuid:recording_id>")
@requires(Permission.RECORDING_READ)
def one_recording(recording_id: UUID) -> Answer:
    with transaction() as session:
        identity = current_identity()
        found = service.get_overview(session, identity, recording_id)
        clips = service.list_clips(
            session, identity, recording_id, cursor=request.args.get("cursor"), limit=PAGE
        )
        duplicates = service.near_duplicates(session, identity, recording_id)
        derivations = service.list_derivations(session, identity, recording_id, limit=20).items
        waits = service.machine_waits_of(session, derivations)
        history = history_in_words(service.custody(session, identity, recording_id))
        back = custody.stands_back(session, identity, found.recording)
    return render_template(
        "pages/recording.html",
        recording=found.recording,
        renditions=found.renditions,
        parts=found.parts,
        derivations=derivations,
        waits=waits,
        because=why_in_words,
        progress=progress_in_words(found.progress),
        again=found.recording.reason_code == service.FAILED and found.recording.upload_id is not None,
        advice=ADVICE.get(found.recording.reason_code or "", ""),
        clips=clips,
        clip_count=found.clips,
        happening=clip_in_words,
        duplicates=duplicates,
        history=history,
        viewpoints=VIEWPOINTS,
        missing=exercises.missing_for_release(found.recording.exercise),
        stands_back=back,
    )


@pages.get("/recordings/<uuid:recording_id>/progress")
@requires(Permission.RECORDING_READ)
def progress(recording_id: UUID) -> Answer:
    """How far processing is; once it has ended the whole page is shown anew."""
    with transaction() as session:
        found = service.get_overview(session, current_identity(), recording_id)
    if found.recording.state != "processing":
        return make_response("", 200, {"HX-Refresh": "true"})
    return render_template(
        "partials/progress.html", recording=found.recording, progress=progress_in_words(found.progress)
    )


@pages.post("/recordings/<uuid:recording_id>/cancel")
@requires(Permission.UPLOAD_WRITE)
def cancel(recording_id: UUID) -> Answer:
    with transaction() as session:
        service.cancel(session, current_identity(), recording_id)
    flash("Processing was stopped. Nothing of this recording will be used.", "success")
    return redirect(f"/recordings/{recording_id}")


@pages.post("/recordings/<uuid:recording_id>/process-again")
@requires(Permission.UPLOAD_WRITE)
def process_again(recording_id: UUID) -> Answer:
    with transaction() as session:
        service.process_again(session, current_identity(), resource(Vault), recording_id)
    flash("It is processed again, from the original that is stored here.", "success")
    return redirect(f"/recordings/{recording_id}")


@pages.get("/recordings/<uuid:recording_id>/withdraw")
@requires(Permission.RECORDING_WITHDRAW)
def ask_to_withdraw(recording_id: UUID) -> Answer:
    return _withdraw_page(recording_id, Form(), 200)


@pages.post("/recordings/<uuid:recording_id>/withdraw")
@requires(Permission.RECORDING_WITHDRAW)
def withdraw(recording_id: UUID) -> Answer:
    form, data = read_form(WithdrawSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            service.withdraw(session, current_identity(), recording_id, reason=data["reason"])
    if not form.ok:
        return _withdraw_page(recording_id, form, 422)
    flash("The recording is withdrawn: nobody can view or release it any more.", "success")
    return redirect(f"/recordings/{recording_id}")


def _withdraw_page(recording_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        found = service.get_overview(session, current_identity(), recording_id)
    page = render_template(
        "pages/recording_withdraw.html", form=form, recording=found.recording, parts=found.parts
    )
    return page, status
