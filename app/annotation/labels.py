"""What one annotation must be: pure checks against the taxonomy, the clip and the frame ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from app.annotation.taxonomy import labels_of
from app.core.errors import InvalidRequest
from app.recordings.keyframes import problem_of

MAX_ANNOTATIONS = 2_000


class LabelRefused(InvalidRequest):
    type: ClassVar[str] = "label-refused"
    title: ClassVar[str] = "An annotation does not fit the clip or the taxonomy"


@dataclass(frozen=True, slots=True)
class Label:
    """One annotation as an annotator draws it: frames are ordinals of the recording, half-open."""

    kind: str
    label: str
    start_frame: int
    end_frame: int
    keyframes: list[dict[str, Any]] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClipSpan:
    """The clip's interval in frames of its recording."""

    start_frame: int
    end_frame: int


def check_labels(labels: Sequence[Label], span: ClipSpan, definition: dict[str, Any]) -> None:
    """Raises LabelRefused naming the first annotation (by position, from 1) that does not hold, and why."""
    if len(labels) > MAX_ANNOTATIONS:
        raise LabelRefused(f"A clip takes at most {MAX_ANNOTATIONS} annotations")
    for position, label in enumerate(labels, 1):
        for check in _CHECKS:
            problem = check(label, span, definition)
            if problem:
                raise LabelRefused(f"Annotation {position} ({label.kind} {label.label!r}): {problem}")


def _known(label: Label, _span: ClipSpan, definition: dict[str, Any]) -> str:
    return (
        ""
        if label.label in labels_of(definition, label.kind)
        else "the taxonomy has no such label of that kind"
    )


def _inside(label: Label, span: ClipSpan, _definition: dict[str, Any]) -> str:
    if not label.start_frame < label.end_frame:
        return "it must hold at least one frame: end_frame is exclusive"
    if label.start_frame < span.start_frame or label.end_frame > span.end_frame:
        return f"frames [{label.start_frame}, {label.end_frame}) leave the clip [{span.start_frame}, {span.end_frame})"
    if label.kind == "tag" and (label.start_frame, label.end_frame) != (span.start_frame, span.end_frame):
        return "a tag holds for the whole clip"
    return ""


def _boxes(label: Label, _span: ClipSpan, _definition: dict[str, Any]) -> str:
    if label.kind != "track":
        return "only a track has keyframes" if label.keyframes else ""
    return problem_of(label.keyframes or [], label.start_frame, label.end_frame)


_CHECKS: tuple[Callable[[Label, ClipSpan, dict[str, Any]], str], ...] = (_known, _inside, _boxes)
