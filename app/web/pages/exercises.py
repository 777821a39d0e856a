"""The data officer's exercises: described, filled with footage, closed; and what became of each file."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from marshmallow import fields
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.custody import service as custody
from app.exercises import service
from app.exercises.models import Exercise
from app.exercises.schemas import ExerciseCreateSchema
from app.exercises.service import EDITABLE
from app.exercises.vocabulary import VOCABULARIES
from app.recordings import service as recordings
from app.settings import Settings
from app.uploads import service as uploads
from app.web.footage import Fate, fate_of
from app.web.forms import Form, read_form

pages = Blueprint("exercises", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50


class ExerciseEditSchema(ExerciseCreateSchema):
    """All of an exercise's facts, and the version that the form was filled from."""

    version = fields.Integer(required=True)


@pages.get("/exercises")
@requires(Permission.EXERCISE_READ)
def exercises() -> Answer:
    with transaction() as session:
        page = service.list_exercises(
            session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE
        )
        waiting = custody.waiting(session, current_identity())
    return render_template("pages/exercises.html", page=page, words_of=VOCABULARIES, waiting=waiting)


@pages.get("/exercises/new")
@requires(Permission.EXERCISE_WRITE)
def new_exercise() -> Answer:
    return _form_page(Form(), 200)


@pages.post("/exercises/new")
@requires(Permission.EXERCISE_WRITE)
def add_exercise() -> Answer:
    form, data = read_form(ExerciseCreateSchema, lists=("weapons",))
    if form.ok:
        with form.catching(), transaction() as session:
            exercise = service.create_exercise(session, current_identity(), **data)
    if not form.ok:
        return _form_page(form, 422)
    flash(f"The exercise {exercise.title} was created. Add its footage now.", "success")
    return redirect(f"/exercises/{exercise.id}")


@pages.get("/exercises/<uuid:exercise_id>")
@requires(Permission.EXERCISE_READ)
def one_exercise(exercise_id: UUID) -> Answer:
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
        files = _files(session, exercise_id)
    return render_template(
        "pages/exercise.html",
        exercise=exercise,
        files=files,
        words_of=VOCABULARIES,
        most_bytes=resource(Settings).upload_max_bytes,
    )


@pages.get("/exercises/<uuid:exercise_id>/files")
@requires(Permission.EXERCISE_READ)
def files(exercise_id: UUID) -> Answer:
    """The part of the page that shows what became of the files; it asks for itself again while anything moves."""
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
        found = _files(session, exercise_id)
    return render_template("partials/files.html", exercise=exercise, files=found)


@pages.get("/exercises/<uuid:exercise_id>/edit")
@requires(Permission.EXERCISE_WRITE)
def edit_exercise(exercise_id: UUID) -> Answer:
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
    values: dict[str, Any] = {name: getattr(exercise, name) or "" for name in EDITABLE}
    return _form_page(Form(values | {"version": exercise.version}), 200, exercise)


@pages.post("/exercises/<uuid:exercise_id>/edit")
@requires(Permission.EXERCISE_WRITE)
def save_exercise(exercise_id: UUID) -> Answer:
    """Saves unless somebody else did since the form was filled."""
    form, data = read_form(ExerciseEditSchema, lists=("weapons",))
    if form.ok:
        version = data.pop("version")
        with form.catching(), transaction() as session:
            service.update_exercise(session, current_identity(), exercise_id, version=version, changes=data)
    if not form.ok:
        with transaction() as session:
            exercise = service.get_exercise(session, current_identity(), exercise_id)
        return _form_page(form, 422, exercise)
    flash("The exercise was saved.", "success")
    return redirect(f"/exercises/{exercise_id}")


@pages.get("/exercises/<uuid:exercise_id>/close")
@requires(Permission.EXERCISE_WRITE)
def ask_to_close(exercise_id: UUID) -> Answer:
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
    return render_template("pages/exercise_close.html", exercise=exercise)


@pages.post("/exercises/<uuid:exercise_id>/close")
@requires(Permission.EXERCISE_WRITE)
def close_exercise(exercise_id: UUID) -> Answer:
    with transaction() as session:
        exercise = service.close_exercise(session, current_identity(), exercise_id)
    flash(f"The exercise {exercise.title} is closed.", "success")
    return redirect(f"/exercises/{exercise_id}")


def _form_page(form: Form, status: int, exercise: Exercise | None = None) -> Answer:
    choices = {name: list(words.items()) for name, words in VOCABULARIES.items()}
    return render_template("pages/exercise_form.html", form=form, exercise=exercise, choices=choices), status


def _files(session: Session, exercise_id: UUID) -> list[Fate]:
    """The newest files of the exercise; for those who may not see uploads, its recordings are on their own page."""
    identity = current_identity()
    if not permits(identity, Permission.UPLOAD_WRITE):
        return []
    listed = uploads.list_uploads(session, identity, exercise_id=exercise_id, limit=PAGE).items
    made = recordings.list_recordings(session, identity, exercise_id=exercise_id, limit=2 * PAGE).items
    by_upload = {recording.upload_id: recording for recording in made}
    return [
        fate_of(upload, recording, recordings.progress(session, recording) if recording else None)
        for upload, recording in ((upload, by_upload.get(upload.id)) for upload in listed)
    ]
