from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.annotation import service
from app.annotation.models import Assignment
from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings
from app.storage.vault import Vault
from ingest.frames import Ledger
from tests.factories.accounts import bearer, identity_of, make_person
from tests.factories.recordings import make_ready_recording, store_rendition


@dataclass
class Site:
    client: FlaskClient
    database: Database
    assignment: Assignment
    annotator: dict[str, str]
    idle: dict[str, str]
    reviewer: dict[str, str]
    officer: dict[str, str]

    @property
    def clip(self) -> str:
        return f"/api/v1/clips/{self.assignment.task.clip_id}"


def uneven_ledger(path: Path) -> bytes:
    """100 frames in milliseconds, 100 apart but for the twelfth, which comes 30 late."""
    pts = np.arange(100, dtype=np.int64) * 100
    pts[12] += 30
    gaps = np.append(np.diff(pts), 100)
    Ledger(Fraction(1, 1000), pts, gaps, np.arange(100) % 10 == 0, np.zeros((100, 16), np.uint8)).write(path)
    return path.read_bytes()


@pytest.fixture
def site(settings: Settings, database: Database, vault: Vault, tmp_path: Path) -> Iterator[Site]:
    with database.transaction() as session:
        recording = make_ready_recording(session, vault)
        data = uneven_ledger(tmp_path / "ledger.parquet")
        store_rendition(session, vault, recording, "ledger", data, "application/vnd.apache.parquet")
        service.open_tasks(session, recording.id)
        roles = (Role.ANNOTATOR, Role.ANNOTATOR, Role.REVIEWER, Role.DATA_OFFICER)
        people = [make_person(session, roles=[role]) for role in roles]
        assignment = service.take_next(session, identity_of(people[0]))
        tokens = [bearer(session, person) for person in people]
    with create_app(settings, "staff", database=database).test_client() as client:
        yield Site(client, database, assignment, *tokens)


def test_annotator_and_reviewer_see_the_clip_and_its_frames(site: Site) -> None:
    for who in (site.annotator, site.reviewer):
        found = site.client.get(f"{site.clip}/frames", headers=who).json
        assert (found["start_frame"], found["time_base_num"], found["time_base_den"]) == (0, 1, 1000)
        assert found["pts"][11:14] == [1100, 1230, 1300]
        assert (len(found["pts"]), found["end_pts"]) == (50, 5000)
        assert site.client.get(f"{site.clip}/media", headers=who).data == b"clip 0"


def test_nobody_else_learns_that_there_is_a_clip(site: Site) -> None:
    for who in (site.idle, site.officer):
        for part in ("media", "frames"):
            assert site.client.get(f"{site.clip}/{part}", headers=who).status_code == 404


def test_many_ranges_are_one_entry_in_the_log(site: Site) -> None:
    for start in range(6):
        answer = site.client.get(
            f"{site.clip}/media", headers=site.annotator | {"Range": f"bytes={start}-{start}"}
        )
        assert (answer.status_code, answer.data) == (206, b"clip 0"[start : start + 1])
    with site.database.transaction() as session:
        count = select(func.count()).where(AuditEvent.tag == Tag.CLIP_VIEWED.value)
        assert session.scalar(count) == 1


def test_a_withdrawn_recording_shows_no_clip(site: Site) -> None:
    with site.database.transaction() as session:
        session.merge(site.assignment).task.clip.recording.state = "withdrawn"
    assert site.client.get(f"{site.clip}/media", headers=site.annotator).status_code == 404
    assert site.client.get(f"{site.clip}/frames", headers=site.reviewer).status_code == 404
