"""Freezing a version for good: what stands against it, and its digest."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from app.annotation.queries import accepted_annotations
from app.audit.events import Tag
from app.audit.service import append
from app.authz.permissions import Permission
from app.authz.predicates import require
from app.core.clock import now
from app.core.identity import Identity
from app.custody.service import reasons_against_release
from app.datasets import queries
from app.datasets.contents import digest_of_lines, footage_record, held_twice, item_line, labels_record
from app.datasets.models import Dataset, DatasetItem, DatasetVersion
from app.datasets.placing import place_items
from app.datasets.service.composing import get_version
from app.datasets.service.errors import SPLITS_FIXED, NotReleasable, VersionFrozen
from app.exercises import service as exercises
from app.recordings.models import Clip, Recording
from app.redaction.service import begun_and_not_finished, footage_of


def freeze_version(session: Session, identity: Identity, *, version_id: UUID) -> DatasetVersion:
    """Fixes clips, labels and splits for good, and their digest.

    Raises VersionFrozen, or NotReleasable naming what is missing (clips, labels, a lawful basis, a consent record, a
    sensitivity review, the end of a redaction that was begun) or which exercises share footage and cannot be in one
    split.
    """
    require(identity, Permission.DATASET_COMPOSE)
    draft = get_version(session, identity, version_id, lock=True)
    if draft.state == "frozen":
        raise VersionFrozen
    session.get_one(Dataset, draft.dataset_id, with_for_update={"of": Dataset})  # two freezes take turns
    if queries.fixed_proportions(session, draft.dataset_id) not in (None, draft.splits):
        raise NotReleasable(SPLITS_FIXED)
    items = sorted(draft.items, key=lambda item: item.clip_id)
    if not items:
        raise NotReleasable("It holds no clips: choose some first")
    clips = queries.clips_with_exercise(session, [i.clip_id for i in items])
    labels = accepted_annotations(session, [i.clip_id for i in items])
    _refuse_unreleasable(session, items, clips, set(labels))
    _refuse_for(place_items(session, draft, items))
    footage = footage_of(session, [clip for clip, _ in clips.values()])
    for item in items:
        item.footage = footage_record(footage[item.clip_id])
        item.labels = labels_record(*labels[item.clip_id])
    session.flush()
    draft.digest = bytes.fromhex(digest_of_lines(item_line(item) for item in items))
    draft.state, draft.frozen_at, draft.version = "frozen", now(), draft.version + 1
    session.flush()
    details = {"clips": len(items), "sha256": draft.digest.hex()}
    subject = ("dataset_version", version_id)
    append(session, identity, Tag.DATASET_VERSION_FROZEN, subject=subject, details=details)
    return draft


def _refuse_unreleasable(
    session: Session, items: list[DatasetItem], clips: dict[UUID, tuple[Clip, Recording]], labelled: set[UUID]
) -> None:
    good = {clip_id for clip_id, (_, recording) in clips.items() if recording.state == "ready"} & labelled
    problems = [f"clip {i.clip_id} is no longer ready and labelled" for i in items if i.clip_id not in good]
    problems += held_twice(clips)
    problems += exercises.reasons_against_release(session, {i.exercise_id for i in items})
    problems += reasons_against_release(session, {r.id for _, r in clips.values()})
    for id_, redaction in begun_and_not_finished(session, {r.id for _, r in clips.values()}).items():
        name, state = redaction.recording.filename, redaction.state.replace("_", " ")
        problems.append(
            f"the redaction of “{name}” is {state}: its force must finish it first"
            if redaction.recording_id == id_
            else f"“{name}” was redacted and then joined: its force must redact recording {id_}, too"
        )
    _refuse_for(problems)


def _refuse_for(problems: list[str]) -> None:
    if problems:
        raise NotReleasable("; ".join(problems[:5]) + (" …" if problems[5:] else ""))
