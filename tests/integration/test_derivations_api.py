"""Joining, cutting anew and copying over HTTP and on the officer's pages; what is made is tested with the service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.core.db import Database
from app.core.identity import Role
from app.recordings.models import Derivation, Recording
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import bearer, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_ready_recording, store_rendition
from tests.factories.signing_in import build

API = "/api/v1/recordings"
SUGGESTION = {
    "started_at": "2026-03-14T10:00:00.000Z",
    "clock": "gps",
    "camera": "Axon Body 3",
    "serial": "X81",
}


@dataclass
class Site:
    client: FlaskClient
    officer: dict[str, str]
    stranger: dict[str, str]
    auditor: dict[str, str]
    parts: list[Recording]

    @property
    def exercise(self) -> UUID:
        return self.parts[0].exercise_id


@pytest.fixture
def site(settings: Settings, database: Database, vault: Vault) -> Iterator[Site]:
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        exercise = make_exercise(session, organisation_id=person.organisation_id)
        parts = [
            make_ready_recording(
                session, vault, exercise=exercise, data=name.encode(), filename=name, suggestion=SUGGESTION
            )
            for name in ("GX010007.MP4", "GX020007.MP4")
        ]
        store_rendition(session, vault, parts[0], "cfr-25", b"a copy", "video/mp4")
        tokens = [
            bearer(session, who)
            for who in (
                person,
                make_person(session, roles=[Role.DATA_OFFICER]),
                make_person(session, roles=[Role.AUDITOR]),
            )
        ]
    with build(settings, "staff", database).test_client() as client:
        yield Site(client, *tokens, parts)


def test_a_join_is_proposed_asked_for_and_looked_up(site: Site) -> None:
    ids = [str(part.id) for part in site.parts]
    found = site.client.get(f"{API}/likely-joins?exercise={site.exercise}", headers=site.officer)
    assert found.json == {"items": [ids]}
    asked = site.client.post(f"{API}/join", json={"ids": ids}, headers=site.officer)
    assert (asked.status_code, asked.json["kind"], asked.json["state"]) == (202, "join", "open")
    assert asked.json["parameters"] == {"parts": ids}
    for who, status in ((site.officer, 200), (site.auditor, 200), (site.stranger, 404)):
        path = f"{API}/derivations/{asked.json['id']}"
        assert site.client.get(path, headers=who).status_code == status
    again = site.client.post(f"{API}/join", json={"ids": ids}, headers=site.officer)
    assert (again.status_code, again.json["type"].rpartition("/")[2]) == (409, "not-joinable")
    assert again.json["detail"] == "GX010007.MP4 is just being joined"
    assert site.client.post(f"{API}/join", json={"ids": ids}, headers=site.stranger).status_code == 404
    assert site.client.post(f"{API}/join", json={"ids": ids[:1]}, headers=site.officer).status_code == 422


NOT_TO_BE_CUT_SO: list[dict[str, object]] = [
    {},
    {"ranges": [[10, 101]]},
    {"ranges": [[10]]},
    {"ranges": [[10, 5]]},
    {"strategies": ["manual"]},
    {"seconds": 0},
]


def test_cutting_anew_takes_what_is_of_the_recording(site: Site) -> None:
    path = f"{API}/{site.parts[0].id}"
    for body in NOT_TO_BE_CUT_SO:
        answer = site.client.post(f"{path}/clips", json=body, headers=site.officer)
        assert answer.status_code == 422, answer.json
    assert site.client.get(f"{path}/derivations", headers=site.officer).json["items"] == []
    good = {"ranges": [[10, 60]], "strategies": ["scene_cut"], "seconds": 5}
    for who, status in ((site.stranger, 404), (site.officer, 202), (site.officer, 409)):
        assert site.client.post(f"{path}/clips", json=good, headers=who).status_code == status
    (listed,) = site.client.get(f"{path}/derivations", headers=site.auditor).json["items"]
    assert (listed["kind"], listed["parameters"]) == ("clips", good)


def test_copies_and_suggestions_are_for_the_forces_officers(site: Site) -> None:
    path = f"{API}/{site.parts[0].id}"
    for rate, status in (("30000/1001", 202), ("50", 409), ("25", 409), ("0", 422), ("fast", 422)):
        answer = site.client.post(f"{path}/exports", json={"rate": rate}, headers=site.officer)
        assert answer.status_code == status, answer.json
    copy = site.client.get(f"{path}/renditions/cfr-25", headers=site.officer)
    assert (copy.status_code, copy.data) == (200, b"a copy")
    for who in (site.stranger, site.auditor):
        assert site.client.get(f"{path}/renditions/cfr-25", headers=who).status_code == 404
    assert site.client.get(f"{path}/renditions/cfr-50", headers=site.officer).status_code == 404
    told = site.client.get(path, headers=site.officer).json["suggestion"]
    assert told == SUGGESTION | {"started_at": "2026-03-14T10:00:00+00:00"}
    assert site.client.get(path, headers=site.auditor).json["suggestion"] is None


def test_what_waits_for_the_machine_says_so_and_is_stopped(site: Site, database: Database) -> None:
    first = f"{API}/{site.parts[0].id}"
    asked = site.client.post(f"{first}/clips", json={"seconds": 5}, headers=site.officer).json
    with database.transaction() as session:
        waits = '{"since": "2026-03-14T10:00:00+00:00", "why": "disk-full", "told": "full", "attempt": 0}'
        said = f'{{"_tally": {waits}}}'
        session.execute(
            text("UPDATE procrastinate_jobs SET args = args || CAST(:said AS jsonb)"), {"said": said}
        )
    page = site.client.get(f"/recordings/{site.parts[0].id}", headers=site.officer).text
    assert "since 14 March 2026, 10:00 UTC, because the disk of a worker is full" in page
    assert f"/recordings/derivations/{asked['id']}/cancel" in page
    stop = f"{API}/derivations/{asked['id']}/cancel"
    for who in (site.stranger, site.auditor):
        assert site.client.post(stop, headers=who).status_code == 404
    stopped = site.client.post(stop, headers=site.officer)
    assert (stopped.status_code, stopped.json["state"]) == (200, "failed")
    assert stopped.json["reason"] == "It was stopped by the force"
    with database.transaction() as session:
        jobs = list(session.scalars(text("SELECT status::text FROM procrastinate_jobs")))
    assert jobs == ["cancelled"]
    assert site.client.post(stop, headers=site.officer).status_code == 409
    again = site.client.post(f"{first}/clips", json={"seconds": 5}, headers=site.officer)
    assert again.status_code == 202
    path = f"/recordings/derivations/{again.json['id']}/cancel"
    assert site.client.post(path, headers=site.officer).status_code == 302


def test_the_pages_offer_it_and_say_what_is_wrong(site: Site, database: Database) -> None:
    client, first = site.client, site.parts[0].id
    exercise = f"/exercises/{site.exercise}"
    page = client.get(exercise, headers=site.officer)
    assert "look like the parts of one recording" in page.text
    assert client.get(f"{exercise}/join", headers=site.officer).status_code == 200
    refused = client.post(f"{exercise}/join", data={"ids": [str(first)]}, headers=site.officer)
    assert (refused.status_code, "There is a problem" in refused.text) == (422, True)
    both = {"ids": [str(part.id) for part in site.parts]}
    assert client.post(f"{exercise}/join", data=both, headers=site.officer).status_code == 302
    assert "being joined" in client.get(exercise, headers=site.officer).text

    for name, good, bad in (
        ("cut", {"ranges": "0 to 49\n60-99", "strategies": "scene_cut", "seconds": ""}, {"ranges": "some"}),
        ("copy", {"rate": "30000/1001"}, {"rate": "25"}),
    ):
        path = f"/recordings/{first}/{name}"
        assert client.get(path, headers=site.officer).status_code == 200
        refused = client.post(path, data=bad, headers=site.officer)
        assert (refused.status_code, "There is a problem" in refused.text) == (422, True)
        assert client.post(path, data=good, headers=site.officer).status_code == 302
    with database.transaction() as session:
        asked = {row.kind: row.parameters for row in session.scalars(select(Derivation))}
    assert asked["clips"] == {"ranges": [[0, 50], [60, 100]], "strategies": ["scene_cut"], "seconds": None}
    page = client.get(f"/recordings/{first}", headers=site.officer)
    assert "Copy at 30000/1001 frames a second" in page.text
    assert "Cut anew" in page.text
