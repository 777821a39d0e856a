"""Removing what crashes leave behind, and ending what cannot end by itself."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import Database
from app.jobs import AlreadyQueued, defer, status_of
from app.recordings import fingerprints, queries
from app.recordings.models import Recording
from app.recordings.service import lifecycle
from app.recordings.service.steps import is_worked_on
from app.storage.vault import Vault
from app.uploads import service as uploads

ROOT = "recordings/"
SETTLED = timedelta(minutes=1)
VIEWS_KEPT = timedelta(hours=1)
COMPARED_WITHIN, MOST_AGAIN = timedelta(minutes=30), 20


def fail_abandoned(db: Database) -> None:
    """Rejects recordings whose job gave up: a person reads why, and nothing is 'processing' for ever."""
    with db.transaction() as session:
        queries.forget_views(session, now() - VIEWS_KEPT)
        waiting = queries.processing(session, now() - SETTLED)
        ended = [one.id for one in waiting if not is_worked_on(session, one)]
    for recording_id in ended:
        with db.transaction() as session:
            _fail(session, recording_id)


def compare_again(db: Database) -> None:
    """Has recordings compared whose comparison gave up: until it is done, no version that holds them can be frozen."""
    with db.transaction() as session:
        waiting = fingerprints.uncompared(session, now() - COMPARED_WITHIN, limit=MOST_AGAIN)
        for recording_id in waiting:
            with suppress(AlreadyQueued):
                lock = f"recordings.compare {recording_id}"
                defer(session, "recordings.compare", queueing_lock=lock, recording_id=recording_id)


def _fail(session: Session, recording_id: UUID) -> None:
    recording = queries.locked(session, recording_id)
    if recording is None or recording.state != "processing" or is_worked_on(session, recording):
        return
    if recording.job_id is not None and status_of(session, recording.job_id) == "succeeded":
        reason = "Processing ended without a result: the operator's log says why"
    else:
        reason = "The service failed to process this file several times: the operator's log says why"
    lifecycle.reject(session, recording, lifecycle.FAILED, reason)


def remove_strays(db: Database, vault: Vault, prefix: str = ROOT) -> int:
    """Deletes objects under `recordings/` that no row names and no running job may still want; how many.

    Objects of a recording that is being processed are left alone, and so is the original of an upload that is just
    becoming a recording.
    """
    removed = 0
    for name, keys in groupby(vault.store.list(prefix), key=lambda key: key.split("/")[1]):
        listed = set(keys)  # listed before the rows are read: what is stored later is not in the list
        with db.transaction() as session:
            strays = listed - _wanted(session, UUID(name), listed)
        for key in strays:
            vault.delete(key)
        removed += len(strays)
    return removed


def _wanted(session: Session, recording_id: UUID, listed: set[str]) -> set[str]:
    """Each question sees what is committed by then. What becomes a recording is asked for before the recording: it
    ends in the transaction that brings that, and so is found as the one or as the other."""
    if queries.is_being_made(session, recording_id):
        return listed
    upload = uploads.find(session, recording_id)
    if upload is not None and upload.state == "received":
        return listed
    recording = session.get(Recording, recording_id)
    if recording is None or recording.state == "erased":  # its rows still name what was there
        return set()
    if recording.state == "processing":
        return listed
    return queries.blob_keys(session, recording_id)
