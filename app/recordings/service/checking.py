"""Before anything is sent: would these files be taken, and which of them did the force hand over before?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.identity import Identity
from app.exercises.service import ExerciseClosed, get_exercise
from app.recordings import queries
from app.settings import Settings
from app.uploads import service as uploads

MOST_FILES: Final = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one member, in words for the one who sends."""

    field: str
    message: str


@dataclass(slots=True)
class Candidate:
    """A file that somebody means to send, and what was found out of it."""

    filename: str
    length: int
    sha256: bytes | None = None
    problems: list[Problem] = field(default_factory=list)
    duplicate_of: UUID | None = None
    length_known: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer: bytes that the force has left, and each file in the order asked."""

    quota_left: int
    files: Sequence[Candidate]


def check_files(
    session: Session,
    identity: Identity,
    settings: Settings,
    *,
    exercise_id: UUID,
    files: Sequence[Mapping[str, Any]],
) -> Checked:
    """Finds what would be refused, and the force's own live recordings of the same bytes. Nothing is reserved.

    A file without a digest is told whether its length is that of another of the force's: whether hashing it first may
    save its sending. Of what other forces hold nothing is looked at.

    `files` are {filename, length, sha256, problems}, the last being (member, message) of what is wrong with details.
    Raises NotFound, ExerciseClosed.
    """
    require(identity, Permission.UPLOAD_WRITE)
    exercise = get_exercise(session, identity, exercise_id)
    if exercise.state != "open":
        raise ExerciseClosed
    asked = [
        Candidate(one["filename"], one["length"], one["sha256"], [Problem(*said) for said in one["problems"]])
        for one in files
    ]
    force = exercise.organisation_id
    left = uploads.quota_left(session, settings, force)
    known = queries.same_files(session, force, {one.sha256 for one in asked if one.sha256 is not None})
    _find_repeats(asked, known)
    _find_lengths(session, force, asked)
    _find_size_problems(asked, left, settings.upload_max_bytes)
    return Checked(quota_left=left, files=asked)


def _find_repeats(files: Sequence[Candidate], known: Mapping[bytes, UUID]) -> None:
    first: dict[bytes, str] = {}
    for one in files:
        if one.sha256 is None:
            continue
        one.duplicate_of = known.get(one.sha256)
        if one.sha256 in first:
            one.problems.append(Problem("sha256", f"The same file as {first[one.sha256]} in this list"))
        first.setdefault(one.sha256, one.filename)


def _find_lengths(session: Session, force: UUID, files: Sequence[Candidate]) -> None:
    asked = {one.length for one in files}
    known = queries.same_lengths(session, force, asked) | uploads.lengths_under_way(session, force, asked)
    for one in files:
        one.length_known = one.length in known


def _find_size_problems(files: Sequence[Candidate], left: int, most: int) -> None:
    for one in files:
        if one.length == 0:
            one.problems.append(Problem("length", "The file is empty: export it again from the camera"))
        elif one.length > most:
            one.problems.append(Problem("length", f"One file may have at most {most} bytes: split it first"))
        elif one.duplicate_of is None and not one.problems:
            if one.length > left:
                one.problems.append(
                    Problem("length", f"{left} bytes are left of your force's room: ask the operator")
                )
            else:
                left -= one.length
