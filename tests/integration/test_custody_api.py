"""Custody over HTTP, as officers and strangers meet it: papers that verify without us, decisions, pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.models import Person
from app.audit.commands import audit
from app.audit.keys import load_checkpoint_key
from app.audit.sequencer import integrate
from app.core.clock import now
from app.core.db import Database
from app.core.identity import Role
from app.custody import service, tasks
from app.custody.models import Erasure
from app.exercises.models import Exercise
from app.factory import create_app
from app.recordings.models import Recording, RecordingPart
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import bearer, make_organisation, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import job_context, make_ready_recording, make_recording

Headers = dict[str, str]
PAGE = {"Accept": "text/html"}
REVIEW = {"training": True, "tactics": True, "people": "none_needed"}


@pytest.fixture
def api(settings: Settings, database: Database) -> Iterator[FlaskClient]:
    with create_app(settings, "staff", database=database).test_client(use_cookies=False) as client:
        yield client


@pytest.fixture
def officers(database: Database) -> list[Headers]:
    """Two of one force."""
    with database.transaction() as session:
        force = make_organisation(session)
        people = [make_person(session, organisation=force) for _ in range(2)]
        return [bearer(session, one) for one in people]


@pytest.fixture
def at(database: Database, vault: Vault, officers: list[Headers], api: FlaskClient) -> str:
    """The address of a ready recording of theirs."""
    with database.transaction() as session:
        force = session.query(Person).first()
        assert force is not None
        exercise = make_exercise(session, organisation_id=force.organisation_id)
        recording = make_ready_recording(session, vault, exercise=exercise)
    return f"/api/v1/recordings/{recording.id}"


def put_into_the_tree(database: Database, settings: Settings) -> str:
    signer = load_checkpoint_key(settings.checkpoint_key_uri)
    with database.transaction() as session:
        integrate(session, signer)
    return str(signer.verifier)


def test_a_receipt_waits_for_the_log_then_verifies_without_us(
    api: FlaskClient,
    officers: list[Headers],
    at: str,
    database: Database,
    settings: Settings,
    tmp_path: Path,
) -> None:
    assert service.write_missing(database) == 1
    assert service.write_missing(database) == 0
    early = api.get(f"{at}/receipt", headers=officers[0])
    assert (early.status_code, early.headers["Retry-After"]) == (409, "5")
    assert early.json["title"].startswith("This entry is not in a signed checkpoint yet")
    key = put_into_the_tree(database, settings)
    answer = api.get(f"{at}/receipt", headers=officers[0])
    receipt, film = tmp_path / "receipt.json", tmp_path / "film.mp4"
    receipt.write_bytes(answer.data)
    film.write_bytes(b"film")

    def verify(*more: str) -> Any:
        return CliRunner().invoke(audit, ["verify", str(receipt), "--key", key, *more])

    told = verify("--file", str(film))
    assert (told.exit_code, told.stderr) == (0, "")
    assert "film.mp4 is that very file" in told.output
    assert (
        json.loads(verify("--json").output)["statement"]["filename"] == answer.json["statement"]["filename"]
    )
    film.write_bytes(b"flim")
    assert "differs" in verify("--file", str(film)).stderr
    receipt.write_bytes(answer.data.replace(b'"size":4', b'"size":5'))
    assert verify().exit_code == 1
    page = api.get(f"{at.removeprefix('/api/v1')}/receipt", headers=officers[0] | PAGE)
    assert page.status_code == 200
    assert "<svg" in page.text
    assert answer.json["statement"]["sha256"] in page.text


def test_the_whole_way_to_erasure_and_its_certificate(
    api: FlaskClient, officers: list[Headers], at: str, database: Database, settings: Settings, vault: Vault
) -> None:
    first, second = officers
    page = at.removeprefix("/api/v1") + "/custody"

    def post(path: str, body: dict[str, Any] | None = None, who: Headers = first) -> int:
        return api.post(at + path, headers=who, json=body or {}).status_code

    def shown() -> str:
        answer = api.get(page, headers=first | PAGE)
        assert answer.status_code == 200
        return answer.text

    assert (
        api.get("/api/v1/custody/unreviewed", headers=first).json["items"][0]["id"] == at.rpartition("/")[2]
    )
    assert "Confirm the review" in shown()
    assert post("/sensitivity-review", REVIEW) == 201
    assert "Holds" in shown()
    assert post("/sensitivity-review/revoke", {"reason": "Seen again"}) == 204
    assert post("/hold", {"reason": "Inquiry"}) == 201
    assert "Held since" in shown()
    assert post("/hold/lift", {"reason": "Over"}) == 200
    assert post("/retention", {"decision": "extend", "reason": "x"}) == 422
    assert post("/retention", {"decision": "keep", "reason": "x"}) == 409
    assert post("/incident", {"reason": "Real?"}) == 201
    assert "Nobody but officers" in shown()
    assert "possible real incident" in api.get("/recordings", headers=first | PAGE).text
    assert post("/incident/move-out", {"reason": "To the evidence system"}) == 200
    with database.transaction() as session:  # a name that a file may have, and no header
        session.execute(update(Recording).values(filename="my\nfilm.mp4"))
    fetched = api.get(f"{at}/original", headers=first)
    assert (fetched.data, fetched.headers["Content-Disposition"]) == (
        b"film",
        "attachment; filename=my_film.mp4",
    )
    assert "Fetch the original" in shown()
    assert post("/incident/clear", {"reason": "The drill of May"}) == 200
    assert api.get(f"{at}/original", headers=first).status_code == 404
    assert api.post(f"{at}/withdraw", headers=first, json={"reason": "Consent"}).status_code == 200
    assert post("/erasure", {"reason": "Consent"}) == 201
    assert "Confirm: erase it for good" in shown()
    assert post("/erasure/confirm") == 409
    assert api.get(f"{at}/certificate", headers=first).status_code == 409
    confirmed = api.post(f"{at}/erasure/confirm", headers=second)
    assert confirmed.json["state"] == "confirmed"
    tasks.erase(job_context(database, settings, vault), erasure_id=confirmed.json["id"])
    put_into_the_tree(database, settings)
    assert api.get(f"{at}/certificate", headers=first).json["statement"]["kind"] == "erasure"
    assert "Certificate of erasure" in shown()
    certificate = api.get(page.replace("/custody", "/certificate"), headers=first | PAGE)
    assert "by a second officer" in certificate.text
    assert api.get("/custody", headers=first | PAGE).status_code == 200
    for name in ("retention", "incidents", "erasures", "holds"):
        assert api.get(f"/api/v1/custody/{name}", headers=first).status_code == 200


def test_another_force_reaches_none_of_it(
    api: FlaskClient, officers: list[Headers], at: str, database: Database
) -> None:
    with database.transaction() as session:
        stranger = bearer(session, make_person(session, roles=[Role.DATA_OFFICER]))
    reason = {"reason": "not mine"}
    for path, body in (
        ("/sensitivity-review", REVIEW),
        ("/hold", reason),
        ("/erasure", reason),
        ("/erasure/confirm", {}),
        ("/incident", reason),
        ("/incident/moved-out", {"sha256": "00" * 32}),
        ("/retention", {"decision": "erase", "reason": "x"}),
    ):
        assert api.post(at + path, headers=stranger, json=body).status_code == 404, path
    for path in ("/receipt", "/certificate", "/custody", "/original"):
        assert api.get(at + path, headers=stranger).status_code == 404, path
    for name in ("unreviewed", "retention", "incidents", "erasures", "holds"):
        assert api.get(f"/api/v1/custody/{name}", headers=stranger).json["items"] == []
    assert api.get(f"{at}/custody", headers=officers[0]).json["review"] is None


def test_officers_are_told_on_their_own_pages_of_what_they_may_decide(
    api: FlaskClient, officers: list[Headers], at: str, database: Database
) -> None:
    def shown(who: Headers, path: str = "/recordings") -> str:
        return " ".join(api.get(path, headers=who | PAGE).text.split())

    def count(number: int) -> str:
        return f'<span class="cordon-menu__count">{number}<span class="govuk-visually-hidden"> to decide</span></span>'

    first, second = officers
    with database.transaction() as session:
        auditor = bearer(session, make_person(session, roles=[Role.AUDITOR]))
    assert "cordon-menu__count" not in shown(first)
    with database.transaction() as session:
        session.execute(update(Exercise).values(held_on=date(2020, 2, 1), retention_category="training_1y"))
    service.mark_due(database, now().date())
    for path in ("/recordings", "/exercises", "/custody"):
        assert count(1) in shown(first, path), path
    for path in ("/recordings", "/exercises"):
        assert "1 recording is due for its retention review." in shown(first, path), path
        assert 'href="/custody#due"' in shown(first, path), path
    assert 'id="due"' in shown(first, "/custody")
    for why in ("withdraw", "erasure"):
        assert api.post(f"{at}/{why}", headers=first, json={"reason": "Consent is gone"}).status_code < 300
    waits = "The erasure of 1 recording waits for your confirmation."
    assert waits in shown(second)
    assert count(2) in shown(second)
    assert waits not in shown(first), "who requested it has time to think"
    assert count(1) in shown(first)
    with database.transaction() as session:
        session.execute(update(Erasure).values(requested_at=now() - service.COOLING))
    assert waits in shown(first)
    assert "cordon-menu__count" not in shown(auditor)
    assert "retention review" not in shown(auditor)
    missing = api.get("/recordings/nothing", headers=first | PAGE)
    assert (missing.status_code, "Page not found" in missing.text) == (404, True)


@pytest.mark.parametrize(
    "decision", ["hold", "incident", "sensitivity-review/revoke", "erasure", "retention"]
)
def test_blanks_are_no_reason(api: FlaskClient, officers: list[Headers], at: str, decision: str) -> None:
    body = {"reason": "  \n"} | ({"decision": "keep"} if decision == "retention" else {})
    refused = api.post(f"{at}/{decision}", headers=officers[0], json=body)
    assert (refused.status_code, refused.json["errors"]) == (422, {"json": {"reason": ["must not be blank"]}})


def test_a_part_says_why_it_stands_back(
    api: FlaskClient, officers: list[Headers], at: str, database: Database, vault: Vault
) -> None:
    with database.transaction() as session:
        whole = session.get_one(Recording, UUID(at.rpartition("/")[2]))
        auditor = bearer(session, make_person(session, roles=[Role.AUDITOR]))
        parts = [make_recording(session, vault, exercise=whole.exercise, data=name) for name in (b"1", b"2")]
        for ordinal, part in enumerate(parts):
            part.state, part.part_of_id = "ready", whole.id
            frames = {"start_frame": 50 * ordinal, "end_frame": 50 * ordinal + 50}
            session.add(RecordingPart(joined_id=whole.id, part_id=part.id, ordinal=ordinal, **frames))
    first, other = (f"/recordings/{part.id}" for part in parts)
    assert "stands back" not in api.get(other, headers=officers[0] | PAGE).text
    why = {"reason": "Real shots"}
    assert api.post(f"/api/v1{first}/incident", headers=officers[0], json=why).status_code == 201
    for page in (other, f"{other}/custody"):
        text = api.get(page, headers=officers[1] | PAGE).text
        assert "This part stands back with it" in text, page
        assert "Real shots" in text, page
        assert f'href="/recordings/{whole.id}/custody"' in text, page
    history = api.get(other, headers=officers[1] | PAGE).text
    assert "Stands back: the joined recording that it is a part of is quarantined" in history
    told = api.get(f"/api/v1{other}/custody", headers=officers[1]).json["stands_back"]
    assert (told["recording_id"], told["reason"]) == (str(whole.id), "Real shots")
    assert api.get(f"/api/v1{other}/custody", headers=auditor).json["stands_back"] is None
    assert "This part stands back" not in api.get(other, headers=auditor | PAGE).text


def test_a_form_without_a_reason_says_so_where_it_is(
    api: FlaskClient, officers: list[Headers], at: str
) -> None:
    page = at.removeprefix("/api/v1") + "/custody"
    for sent, field in (
        ("hold", 'id="reason"'),
        ("incident", 'id="reason"'),
        ("review", 'id="training-error"'),
    ):
        answer = api.post(f"{page}/{sent}", headers=officers[0] | PAGE, data={})
        assert (answer.status_code, field in answer.text) == (422, True), sent
    done = api.post(f"{page}/hold", headers=officers[0] | PAGE, data={"reason": "Inquiry"})
    assert (done.status_code, done.headers["Location"]) == (302, page)
