"""Refusals of the exercise feature."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import Conflict


class ExerciseClosed(Conflict):
    type: ClassVar[str] = "exercise-closed"
    title: ClassVar[str] = "This exercise is closed: nothing can be added to it or changed"


class ExerciseOpen(Conflict):
    type: ClassVar[str] = "exercise-open"
    title: ClassVar[str] = "This exercise is open already"
