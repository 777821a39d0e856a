"""What the service says of files before a byte of them is sent: problems, duplicates, room left.

`POST /api/v1/uploads/check`. A service that has no such route is no obstacle: it then says the same file by file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.terminal import human_bytes
from app.client.upload.model import Item

CHECK: Final = "/api/v1/uploads/check"
BATCH: Final = 200
_ABSENT: Final = (404, 405)
_NOT_FOUND: Final = (
    "not-found"  # what the service says of an exercise; a route that is not there says no such kind
)


@dataclass(frozen=True)
class Problem:
    """Why nothing may be sent yet. `where` is the row of the metadata file, or ""."""

    name: str
    where: str
    column: str
    message: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.where, self.name) if part)
        column = f", column {self.column}" if self.where and self.column else ""
        return f"{place}{column}: {self.message}"


@dataclass
class Verdict:
    """`duplicates`: file → the recording that it would repeat. `asked` is False where the service has no check.

    `lengths_known`: files as long as another that the force has, or is sending.
    """

    asked: bool = True
    problems: list[Problem] = field(default_factory=list)
    duplicates: dict[Path, str] = field(default_factory=dict)
    lengths_known: set[Path] = field(default_factory=set)
    quota_left: int | None = None


def ask(
    api: ApiSession,
    exercise: str,
    items: Sequence[Item],
    digest: Callable[[Item], str | None],
    call: Callable[[Callable[[], Any]], Any],
) -> Verdict:
    """Asks for all of the items, BATCH at a time. `digest` knows the SHA-256 of some; `call` carries out a question.

    Raises ClientError, also for an exercise that is not there or is another force's.
    """
    verdict = Verdict()
    for start in range(0, len(items), BATCH):
        part = items[start : start + BATCH]
        body = {"exercise_id": exercise, "files": [_document(item, digest(item)) for item in part]}
        try:
            answer = call(partial(api.post_json, CHECK, body))
        except ClientError as error:
            if error.kind == _NOT_FOUND:
                raise ClientError(
                    f"there is no exercise {exercise} for you: copy its id from its page, the last part of the address",
                    error.status,
                ) from error
            if error.status not in _ABSENT:
                raise
            return Verdict(asked=False)
        _note(verdict, part, answer)
    return verdict


def _document(item: Item, sha256: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "filename": item.path.name,
        "length": item.size,
        "details": dict(item.details),
    }
    return document | ({"sha256": sha256} if sha256 else {})


def _note(verdict: Verdict, items: Sequence[Item], answer: Mapping[str, Any]) -> None:
    try:
        verdict.quota_left = answer["quota_left"]
        for item, said in zip(items, answer["files"], strict=True):
            for problem in said["problems"]:
                found = Problem(item.name, item.where, str(problem["field"] or ""), str(problem["message"]))
                verdict.problems.append(found)
            if said.get("length_known"):
                verdict.lengths_known.add(item.path)
            if said["duplicate_of"]:
                verdict.duplicates[item.path] = str(said["duplicate_of"])
    except (KeyError, TypeError, ValueError):
        raise ClientError(
            "the service's check answered something else than was asked: is cordon up to date?"
        ) from None


def room_problem(verdict: Verdict, needed: int) -> str | None:
    """The line for files that will not fit into what the force may still store."""
    if verdict.quota_left is None or needed <= verdict.quota_left:
        return None
    left = human_bytes(max(verdict.quota_left, 0))
    return f"{left} are left of your organisation's room, these files need {human_bytes(needed)}: ask the operator"
