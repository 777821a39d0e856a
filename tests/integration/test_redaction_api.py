"""Redactions over HTTP: versions, refusals, and who gets what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEvent
from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.recordings.models import Recording
from app.redaction.models import Redaction
from app.settings import Settings
from app.storage.vault import Vault
from ingest.frames import Ledger
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording, store_rendition
from tests.factories.redaction import make_redaction, make_rendered

PLATE = {
    "kind": "plate",
    "style": "mask",
    "start_frame": 5,
    "end_frame": 25,
    "keyframes": [{"frame": 5, "box": [0.2, 0.2, 0.1, 0.1]}],
}


@dataclass
class Site:
    client: FlaskClient
    database: Database
    vault: Vault
    officer: dict[str, str]
    stranger: dict[str, str]
    auditor: dict[str, str]
    recording: Recording
    redaction: Redaction

    @property
    def path(self) -> str:
        return f"/api/v1/redactions/{self.redaction.id}"

    def send(self, method: str, path: str, version: int | None, body: Any = None) -> Any:
        held = self.officer | ({} if version is None else {"If-Match": f'"{version}"'})
        return self.client.open(f"{self.path}{path}", method=method, headers=held, json=body)


@pytest.fixture
def site(settings: Settings, database: Database, vault: Vault, tmp_path: Path) -> Iterator[Site]:
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        exercise = make_exercise(session, organisation_id=person.organisation_id)
        recording = make_ready_recording(session, vault, exercise=exercise)
        pts = np.arange(100, dtype=np.int64) * 100
        Ledger(Fraction(1, 1000), pts, np.full(100, 100), pts == 0, np.zeros((100, 16), np.uint8)).write(
            tmp_path / "ledger"
        )
        store_rendition(
            session, vault, recording, "ledger", (tmp_path / "ledger").read_bytes(), "application/x"
        )
        redaction = make_redaction(session, recording)
        tokens = [
            bearer(session, who)
            for who in (person, make_person(session), make_person(session, roles=[Role.AUDITOR]))
        ]
    with create_app(settings, "staff", database=database).test_client() as client:
        yield Site(client, database, vault, *tokens, recording, redaction)


def test_every_change_names_the_version_it_was_made_from(site: Site) -> None:
    found = site.client.get(f"/api/v1/recordings/{site.recording.id}/redaction", headers=site.officer)
    assert (found.headers["ETag"], found.json["state"], len(found.json["regions"])) == ('"1"', "proposed", 3)
    assert site.send("POST", "/regions", None, PLATE).status_code == 428
    drawn = site.send("POST", "/regions", 1, PLATE)
    assert (drawn.status_code, drawn.headers["ETag"], drawn.json["state"]) == (200, '"2"', "in_review")
    assert site.send("POST", "/regions", 1, PLATE).status_code == 412
    region = next(one for one in drawn.json["regions"] if one["source"] == "drawn")
    assert (region["start_pts"], region["end_pts"], region["decision"]) == (500, 2500, "accepted")
    changed = site.send("PATCH", f"/regions/{region['id']}", 2, {"style": "blur", "end_frame": 30})
    region = next(one for one in changed.json["regions"] if one["id"] == region["id"])
    assert (region["style"], region["end_pts"]) == ("blur", 3000)
    assert site.send("DELETE", f"/regions/{region['id']}", 3).status_code == 200
    assert site.send("POST", "/approve", 4).json["type"].endswith("/redaction-undecided")
    assert site.send("POST", "/decide", 4, {"decision": "rejected", "kind": "voice"}).status_code == 200
    assert site.send("POST", "/decide", 5, {"decision": "accepted"}).status_code == 200
    approved = site.send("POST", "/approve", 6)
    assert (approved.status_code, approved.json["state"]) == (200, "approved")
    assert site.send("POST", "/decide", 7, {"decision": "accepted"}).status_code == 409
    assert site.send("POST", "/cancel", 7).json["state"] == "in_review"


@pytest.mark.parametrize(
    "change",
    [
        {"style": "mute"},
        {"end_frame": 101},
        {"start_frame": 6},
        {"keyframes": [{"frame": 5, "box": [0.9, 0, 0.2, 1]}]},
        {"keyframes": [{"frame": 5, "box": [0, 0, 0, 1]}]},
        {"keyframes": []},
        {"kind": "gait"},
        {"unknown": 1},
    ],
)
def test_a_region_that_does_not_fit_is_refused(site: Site, change: dict[str, Any]) -> None:
    assert site.send("POST", "/regions", 1, PLATE | change).status_code == 422
    assert site.send("GET", "", None).headers["ETag"] == '"1"'


def test_auditors_read_but_neither_see_nor_decide_and_strangers_find_nothing(site: Site) -> None:
    reading = [f"/api/v1/recordings/{site.recording.id}/redaction", site.path]
    looking = [f"{site.path}/frames", f"{site.path}/media"]
    for path in reading:
        assert site.client.get(path, headers=site.auditor).status_code == 200
    for path in looking:
        assert site.client.get(path, headers=site.auditor).status_code == 404
    for path in reading + looking:
        assert site.client.get(path, headers=site.stranger).status_code == 404
    held = site.stranger | {"If-Match": '"1"'}
    assert site.client.post(f"{site.path}/approve", headers=held).status_code == 404


def test_the_result_comes_by_ranges_and_each_look_is_on_record(site: Site) -> None:
    assert site.client.get(f"{site.path}/media", headers=site.officer).status_code == 404
    with site.database.transaction() as session:
        make_rendered(session, site.vault, session.get_one(Redaction, site.redaction.id))
    part = site.client.get(f"{site.path}/media", headers=site.officer | {"Range": "bytes=0-7"})
    assert (part.status_code, part.data) == (206, b"redacted")
    frames = site.client.get(f"{site.path}/frames", headers=site.officer).json
    assert (frames["start_frame"], len(frames["pts"]), frames["end_pts"]) == (0, 100, 10000)
    with site.database.transaction() as session:
        viewed = session.scalars(select(AuditEvent).where(AuditEvent.tag == "redaction:viewed")).one()
    assert viewed.details == {"what": "redaction:1"}
    again = site.client.post(f"/api/v1/recordings/{site.recording.id}/redaction", headers=site.officer)
    assert (again.json["number"], again.json["state"]) == (2, "in_review")


def test_the_page_says_from_when_on_nothing_is_covered(site: Site) -> None:
    at = f"/recordings/{site.recording.id}/redaction"
    notice = "Only the first 18,000 proposals were kept"
    assert notice not in site.client.get(at, headers=site.officer).text
    with site.database.transaction() as session:
        session.get_one(Redaction, site.redaction.id).uncovered_from = 50
    page = " ".join(site.client.get(at, headers=site.officer).text.split())
    assert notice in page
    assert "From second 5.00 on" in page
    assert site.client.get(site.path, headers=site.officer).json["uncovered_from"] == 50
