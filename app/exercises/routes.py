"""Exercises over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from flask.views import MethodView

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.blueprint import Blueprint
from app.core.http import current_identity, etag_of, if_match_version, transaction
from app.core.pagination import Page
from app.core.schema import page_schema
from app.exercises import service
from app.exercises.models import Exercise
from app.exercises.schemas import (
    ExerciseChangeSchema,
    ExerciseCreateSchema,
    ExerciseQuerySchema,
    ExerciseSchema,
)

blp = Blueprint(
    "exercises", __name__, url_prefix="/api/v1/exercises", description="Training exercises of a force"
)
Tagged = tuple[Exercise, dict[str, str]]


def _tagged(exercise: Exercise) -> Tagged:
    return exercise, {"ETag": etag_of(exercise.version)}


@blp.route("")
class Exercises(MethodView):
    @requires(Permission.EXERCISE_READ)
    @blp.arguments(ExerciseQuerySchema, location="query")
    @blp.response(200, page_schema(ExerciseSchema))
    def get(self, query: dict[str, Any]) -> Page[Exercise]:
        """Exercises, newest first; `q` is looked for in title and scenario"""
        with transaction() as session:
            return service.list_exercises(session, current_identity(), **query)

    @requires(Permission.EXERCISE_WRITE)
    @blp.arguments(ExerciseCreateSchema)
    @blp.response(201, ExerciseSchema)
    def post(self, body: dict[str, Any]) -> Tagged:
        """Create an exercise"""
        with transaction() as session:
            exercise = service.create_exercise(session, current_identity(), **body)
        location = url_for("exercises.OneExercise", exercise_id=exercise.id)
        return exercise, {"Location": location, "ETag": etag_of(exercise.version)}


@blp.route("/<uuid:exercise_id>")
class OneExercise(MethodView):
    @requires(Permission.EXERCISE_READ)
    @blp.response(200, ExerciseSchema)
    def get(self, exercise_id: UUID) -> Tagged:
        """One exercise"""
        with transaction() as session:
            return _tagged(service.get_exercise(session, current_identity(), exercise_id))

    @requires(Permission.EXERCISE_WRITE)
    @blp.arguments(ExerciseChangeSchema)
    @blp.response(200, ExerciseSchema)
    def patch(self, body: dict[str, Any], exercise_id: UUID) -> Tagged:
        """Change an open exercise (If-Match)"""
        version = if_match_version()
        with transaction() as session:
            exercise = service.update_exercise(
                session, current_identity(), exercise_id, version=version, changes=body
            )
        return _tagged(exercise)


@blp.route("/<uuid:exercise_id>/close", methods=["POST"])
@requires(Permission.EXERCISE_WRITE)
@blp.response(200, ExerciseSchema)
def close_exercise(exercise_id: UUID) -> Tagged:
    """Close an exercise: no further uploads"""
    with transaction() as session:
        return _tagged(service.close_exercise(session, current_identity(), exercise_id))


@blp.route("/<uuid:exercise_id>/reopen", methods=["POST"])
@requires(Permission.EXERCISE_WRITE)
@blp.response(200, ExerciseSchema)
def reopen_exercise(exercise_id: UUID) -> Tagged:
    """Open a closed exercise again, to add what was forgotten"""
    with transaction() as session:
        return _tagged(service.reopen_exercise(session, current_identity(), exercise_id))
