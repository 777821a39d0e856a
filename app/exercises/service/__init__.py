"""Exercises: what routes, pages and higher features call."""

from app.exercises.service.errors import ExerciseClosed, ExerciseOpen
from app.exercises.service.exercises import (
    EDITABLE,
    close_exercise,
    create_exercise,
    get_exercise,
    list_exercises,
    list_titles,
    open_exercise,
    reopen_exercise,
    update_exercise,
)
from app.exercises.service.releasing import missing_for_release, reasons_against_release

__all__ = [
    "EDITABLE",
    "ExerciseClosed",
    "ExerciseOpen",
    "close_exercise",
    "create_exercise",
    "get_exercise",
    "list_exercises",
    "list_titles",
    "missing_for_release",
    "open_exercise",
    "reasons_against_release",
    "reopen_exercise",
    "update_exercise",
]
