"""The data officer's exercises: described, copied, filled with footage, closed, opened again; and what became of each
file."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request
from marshmallow import fields
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.core.search import MOST_TEXT
from app.custody import service as custody
from app.exercises import service
from app.exercises.models import Exercise
from app.exercises.schemas import STATES, ExerciseCreateSchema
from app.exercises.service import EDITABLE
from app.exercises.vocabulary import VIEWPOINTS, VOCABULARIES
from app.recordings import service as recordings
from app.settings import Settings
from app.storage.incoming import require_reachable
from app.storage.vault import Vault
from app.uploads import service as uploads
from app.web.footage import fate_of, fate_of_joined
from app.web.forms import Form, read_form
from app.web.policy import content_policy

pages = Blueprint("exercises", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50
MISSING = {"lawful_basis": "its lawful basis", "consent_record": "its consent record"}


class ExerciseEditSchema(ExerciseCreateSchema):
    """All of an exercise's facts, and the version that the form was filled from."""

    version = fields.Integer(required=True)


@pages.get("/exercises")
@requires(Permission.EXERCISE_READ)
def exercises() -> Answer:
    asked = {name: request.args.get(name, "").replace("\x00", "").strip() for name in ("q", "state")}
    asked["q"] = asked["q"][:MOST_TEXT]
    state = asked["state"] if asked["state"] in STATES else None
    with transaction() as session:
        page = service.list_exercises(
            session,
            current_identity(),
            text=asked["q"],
            state=state,
            cursor=request.args.get("cursor"),
            limit=PAGE,
        )
        waiting = custody.waiting(session, current_identity())
    address = f"/exercises?{urlencode({name: value for name, value in asked.items() if value})}"
    return render_template(
        "pages/exercises.html",
        page=page,
        words_of=VOCABULARIES,
        asked=asked,
        address=address,
        waiting=waiting,
    )


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
        joining = _joining(session, exercise_id)
    page = render_template(
        "pages/exercise.html",
        **joining,
        exercise=exercise,
        missing=[MISSING[name] for name in service.missing_for_release(exercise)],
        words_of=VOCABULARIES,
        viewpoints=VIEWPOINTS,
        remember_hours=resource(Settings).upload_expiry_hours,
        way=resource(Settings).browser_uploads,
        **files,
    )
    sends = exercise.state == "open" and permits(current_identity(), Permission.UPLOAD_WRITE)
    return _may_send(page) if sends else page


def _may_send(page: str) -> Response:
    """The page that files are sent from: its script may speak to the store, where it sends there."""
    answer = make_response(page)
    if resource(Settings).browser_uploads == "direct":
        store = require_reachable(resource(Vault).store).origin
        answer.headers["Content-Security-Policy"] = content_policy(store)
    return answer


@pages.get("/exercises/<uuid:exercise_id>/files")
@requires(Permission.EXERCISE_READ)
def files(exercise_id: UUID) -> Answer:
    """The part of the page that shows what became of the files; it asks for itself again while anything moves."""
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
        found = _files(session, exercise_id)
    return render_template("partials/files.html", exercise=exercise, **found)


@pages.get("/exercises/<uuid:exercise_id>/copy")
@requires(Permission.EXERCISE_WRITE)
def copy_exercise(exercise_id: UUID) -> Answer:
    """The form of a new exercise, filled like another one but for the day."""
    with transaction() as session:
        exercise = service.get_exercise(session, current_identity(), exercise_id)
    values: dict[str, Any] = {name: getattr(exercise, name) or "" for name in EDITABLE - {"held_on"}}
    return _form_page(Form(values), 200, copied=exercise)


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


@pages.post("/exercises/<uuid:exercise_id>/reopen")
@requires(Permission.EXERCISE_WRITE)
def reopen_exercise(exercise_id: UUID) -> Answer:
    with transaction() as session:
        exercise = service.reopen_exercise(session, current_identity(), exercise_id)
    flash(f"The exercise {exercise.title} is open again. Close it when all of it is there.", "success")
    return redirect(f"/exercises/{exercise_id}")


def _form_page(
    form: Form, status: int, exercise: Exercise | None = None, copied: Exercise | None = None
) -> Answer:
    choices = {name: list(words.items()) for name, words in VOCABULARIES.items()}
    about = {"exercise": exercise, "copied": copied, "choices": choices}
    return render_template("pages/exercise_form.html", form=form, **about), status


def _files(session: Session, exercise_id: UUID) -> dict[str, Any]:
    """A page of the exercise's files, newest first; for those who may not see uploads, its recordings are on their own
    page."""
    identity, cursor = current_identity(), request.args.get("cursor")
    if not permits(identity, Permission.UPLOAD_WRITE):
        return {"files": []}
    listed = uploads.list_uploads(session, identity, exercise_id=exercise_id, cursor=cursor, limit=PAGE)
    made = recordings.made_of(session, identity, [upload.id for upload in listed.items])
    joined = [] if cursor else recordings.joined_of(session, identity, exercise_id)
    progress = recordings.progress_of_many(session, [*joined, *made.values()])
    fates = [fate_of_joined(one, progress.get(one.id)) for one in joined]
    for upload in listed.items:
        recording = made.get(upload.id)
        fates.append(fate_of(upload, recording, progress.get(recording.id) if recording else None))
    return {"files": fates, "files_cursor": cursor, "files_next": listed.next_cursor}


def _joining(session: Session, exercise_id: UUID) -> dict[str, Any]:
    """Which files may be joined, which look as if they should be, and what became of those that were."""
    identity = current_identity()
    if not permits(identity, Permission.RECORDING_DERIVE):
        return {"joins": [], "groups": [], "joinable": 0}
    found = recordings.joinable(session, identity, exercise_id)
    joins = recordings.recent_joins(session, identity, exercise_id)
    return {"joins": joins, "groups": recordings.likely_joins(found), "joinable": len(found)}
