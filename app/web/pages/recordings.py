"""Recordings for their force: state and progress, facts, pictures, clips, custody; cancel and withdraw."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.custody import service as custody
from app.recordings import service
from app.recordings.schemas import STATES, WithdrawSchema
from app.web.footage import ADVICE, clip_in_words, history_in_words, progress_in_words
from app.web.forms import Form, read_form

pages = Blueprint("recordings", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50


@pages.get("/recordings")
@requires(Permission.RECORDING_READ)
def recordings() -> Answer:
    state = request.args.get("state") if request.args.get("state") in STATES else None
    with transaction() as session:
        page = service.list_recordings(
            session, current_identity(), state=state, cursor=request.args.get("cursor"), limit=PAGE
        )
        waiting = custody.waiting(session, current_identity())
    return render_template("pages/recordings.html", page=page, state=state, states=STATES, waiting=waiting)


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
        history = history_in_words(service.custody(session, identity, recording_id))
    return render_template(
        "pages/recording.html",
        recording=found.recording,
        renditions=found.renditions,
        progress=progress_in_words(found.progress),
        advice=ADVICE.get(found.recording.reason_code or "", ""),
        clips=clips,
        clip_count=found.clips,
        happening=clip_in_words,
        duplicates=duplicates,
        history=history,
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
    return render_template("pages/recording_withdraw.html", form=form, recording=found.recording), status
