"""Judges what uploads left, from the tables, the disk and the vault; shares no code with the uploads service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from app.storage.models import DataKey
from tests.faults.site import Site

_STATES = 'SELECT id::text, state, length, "offset", sha256 FROM uploads'
_COMPLETE = "SELECT count(*) FROM audit_events WHERE tag = 'upload:complete' AND subject_id = %s"
_BLOCKS = "SELECT sha256 FROM upload_blocks WHERE upload_id = %s ORDER BY ordinal"
_RECORDED = "SELECT sha256, size, data_key_id, blob_key FROM recordings WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Sent:
    """One file as the client had it: bytes, and SHA-256 of the whole and of each 64 MiB."""

    upload: str
    length: int
    blocks: list[bytes]
    sha256: bytes


def rows(site: Site, query: str, *values: object) -> list[tuple[Any, ...]]:
    """What the database answers. Raises psycopg.Error."""
    with psycopg.connect(site.conninfo) as connection:
        return connection.execute(query, values).fetchall()


def check_received(site: Site, sent: Iterable[Sent]) -> list[str]:
    """What is wrong once every client has sent all: the staged bytes, their blocks, the log, the job."""
    found = {row[0]: row[1:] for row in rows(site, _STATES)}
    wrong = [f"upload {one.upload}: {what}" for one in sent for what in _received(site, one, found)]
    known = {one.upload for one in sent}
    wrong += [f"nobody sent upload {upload}" for upload in found.keys() - known]
    return wrong + [f"staged, but of no upload: {name}" for name in _staged(site) - found.keys()]


def _received(site: Site, one: Sent, found: dict[str, tuple[Any, ...]]) -> Iterator[str]:
    state, length, offset, _ = found.get(one.upload, ("gone", 0, 0, None))
    if (state, length, offset) != ("received", one.length, one.length):
        yield f"is {state} at {offset} of {length}; {one.length} bytes were sent"
        return
    if _digest_of(site.settings.uploads_dir / one.upload) != one.sha256:
        yield "is received, with other bytes than were sent"
    if [digest for (digest,) in rows(site, _BLOCKS, one.upload)] != one.blocks:
        yield "its blocks have other digests than what was sent"
    if rows(site, _COMPLETE, one.upload) != [(1,)]:
        yield "its completion is not in the log exactly once"
    query = (
        "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'uploads.complete' AND args->>'upload_id' = %s"
    )
    if len(rows(site, query, one.upload)) != 1:
        yield "has not exactly one job"


def check_recorded(site: Site, sent: Iterable[Sent]) -> list[str]:
    """What is wrong once jobs and sweeps have run: the bytes in the vault, and what should be gone by now."""
    found = {row[0]: row[1:] for row in rows(site, _STATES)}
    wrong = []
    for one in sent:
        state, *_, sha256 = found.get(one.upload, ("gone", None))
        if state != "recorded" or sha256 != one.sha256:
            wrong.append(f"upload {one.upload} is {state} in the end, or has another digest")
        elif _in_vault(site, one) != (one.sha256, one.length):
            wrong.append(f"recording {one.upload} has other bytes than were sent")
    wrong += [f"still staged: {name}" for name in sorted(_staged(site))]
    query = "SELECT upload_id FROM upload_writers"
    return wrong + [f"still held by a writer: upload {upload}" for (upload,) in rows(site, query)]


def _in_vault(site: Site, one: Sent) -> tuple[bytes, int] | None:
    """SHA-256 and length of the recording's bytes, decrypted; None unless the row says the same."""
    recorded = rows(site, _RECORDED, one.upload)
    if [row[:2] for row in recorded] != [(one.sha256, one.length)]:
        return None
    digest, length = hashlib.sha256(), 0
    with site.database.transaction() as session:
        key = session.get_one(DataKey, UUID(str(recorded[0][2])))
        for piece in site.vault.open(key, recorded[0][3]).pieces():
            digest.update(piece)
            length += len(piece)
    return digest.digest(), length


def _staged(site: Site) -> set[str]:
    """Names of what waits to become a recording, notes beside it included."""
    return {path.name for path in site.settings.uploads_dir.iterdir()}


def _digest_of(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
