"""What bad input gets over HTTP: a problem that says what to do, nothing changed, an entry in the log where it matters.

Each case prepares something sound and gives back the one request that is not; the table says what it must get. What
comes in and is found out later by a worker, and what commands refuse, is below.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.annotation import service as annotation
from app.core.db import Database
from app.core.identity import Role
from app.core.ids import new_id
from app.manifest.signoff import sign_payload
from app.releases.models import Release
from app.releases.service import composing
from app.settings import Settings
from app.storage.vault import Vault
from tests.factories.accounts import identity_of, make_client, make_person
from tests.factories.exercises import make_exercise
from tests.factories.recordings import make_film, make_ready_recording
from tests.factories.uploads import make_upload
from tests.media.synthetic import cut_short, index_first
from tests.security.bad_input import SENDING, TUS, Attempt, Desk

PROBLEM = "https://cordon.example/problems/"


@pytest.fixture
def desk(database: Database, settings: Settings, vault: Vault) -> Desk:
    return Desk.open(database, replace(settings, upload_quota_bytes=2_000_000), vault)


def wrong_credentials(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER], email="kim@police.example")
        client, _ = make_client(session, person=person)
    body = {"email": "kim@police.example", "password": "not it at all", "totp": "000000", "name": "laptop"}
    body["public_key_pem"] = client.public_key_pem
    return lambda: desk.http.post("/api/v1/me/clients/enrol", json=body)


def expired_token(desk: Desk) -> Attempt:
    late = desk.expired_token()
    return lambda: desk.http.get("/api/v1/exercises", headers=late)


def anothers_exercise(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        theirs = make_exercise(session).id
    return lambda: desk.http.get(f"/api/v1/exercises/{theirs}", headers=desk.officer)


def anothers_exercise_as_a_place_to_upload(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        theirs = make_exercise(session).id
    return lambda: desk.http.post("/api/v1/uploads", headers=desk.creation(10, exercise=str(theirs)))


def anothers_upload_continued(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        theirs = make_upload(session).id
    return lambda: desk.http.patch(
        f"/api/v1/uploads/{theirs}", headers=desk.officer | SENDING, data=b"x" * 10
    )


def anothers_recording_withdrawn(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        theirs = make_ready_recording(session, desk.vault).id
    body = {"reason": "I do not want it to be seen"}
    return lambda: desk.http.post(f"/api/v1/recordings/{theirs}/withdraw", headers=desk.officer, json=body)


def empty_file(desk: Desk) -> Attempt:
    return lambda: desk.http.post("/api/v1/uploads", headers=desk.creation(0))


def larger_than_the_quota(desk: Desk) -> Attempt:
    desk.create(1_500_000)  # what is promised counts
    return lambda: desk.http.post("/api/v1/uploads", headers=desk.creation(600_000))


def piece_with_a_wrong_checksum(desk: Desk) -> Attempt:
    location = desk.create(10)
    other = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()
    headers = desk.officer | SENDING | {"Upload-Checksum": f"sha256 {other}"}
    return lambda: desk.http.patch(location, headers=headers, data=b"0123456789")


def label_outside_the_clip(desk: Desk) -> Attempt:
    with desk.database.transaction() as session:
        recording = make_ready_recording(session, desk.vault)
        annotation.open_tasks(session, recording.id)
        annotator = make_person(session, roles=[Role.ANNOTATOR])
        taken = annotation.take_next(session, identity_of(annotator))
        clip = taken.task.clip
        label = {"kind": "event", "label": "gunshot", "start_frame": clip.start_frame}
        label["end_frame"] = clip.end_frame + 1
    headers = desk.acting_as(annotator.id) | {"If-Match": f'"{taken.version}"'}
    body = {"annotations": [label]}
    return lambda: desk.http.put(f"/api/v1/assignments/{taken.id}/annotations", headers=headers, json=body)


def frozen_version_edited(desk: Desk) -> Attempt:
    stage = desk.stage()
    with desk.database.transaction() as session:
        frozen = stage.freeze(session)
    headers = desk.acting_as(stage.manager.person_id) | {"If-Match": f'"{frozen.version}"'}
    body = {"all_accepted": True}
    return lambda: desk.http.put(f"/api/v1/versions/{frozen.id}/items", headers=headers, json=body)


def release_signed_twice_by_one_person(desk: Desk) -> Attempt:
    stage = desk.stage()
    release_id = stage.build()
    with desk.database.transaction() as session:
        composing.request_sign_off(session, stage.manager, stage.keys, release_id=release_id)
        stage.sign(session, release_id, stage.approvers[0])
        payload = session.get_one(Release, release_id).targets_payload or b""
    signer = stage.approvers[0].signer
    body = {"keyid": signer.public_key.keyid, "signature": sign_payload(signer, payload).signature}
    headers = desk.acting_as(stage.approvers[0].identity.person_id)
    return lambda: desk.http.post(f"/api/v1/releases/{release_id}/signatures", headers=headers, json=body)


DENIED = ["access:denied"]
# case, status, type of the problem, what the person is told, what the log gets
REFUSED_AT_ONCE: list[tuple[Any, int, str, str, list[str]]] = [
    (wrong_credentials, 401, "sign-in-refused", "code", ["sign-in:failure"]),
    (expired_token, 401, "unauthenticated", "valid token", []),
    (anothers_exercise, 404, "not-found", "Nothing is here for you", DENIED),
    (anothers_exercise_as_a_place_to_upload, 404, "not-found", "Nothing is here for you", DENIED),
    (anothers_upload_continued, 404, "not-found", "Nothing is here for you", DENIED),
    (anothers_recording_withdrawn, 404, "not-found", "Nothing is here for you", DENIED),
    (empty_file, 422, "empty-upload", "empty", []),
    (larger_than_the_quota, 413, "quota-exceeded", "500000 bytes are left of your quota", []),
    (piece_with_a_wrong_checksum, 460, "checksum-mismatch", "send them again", []),
    (label_outside_the_clip, 422, "label-refused", "leave the clip", []),
    (frozen_version_edited, 409, "version-frozen", "compose a new one", []),
    (release_signed_twice_by_one_person, 409, "signed-twice", "another approver", []),
]


@pytest.mark.parametrize(
    ("prepare", "status", "kind", "told", "logged"),
    REFUSED_AT_ONCE,
    ids=[case[0].__name__ for case in REFUSED_AT_ONCE],
)
def test_it_is_refused_with_a_problem_and_changes_nothing(
    desk: Desk, prepare: Any, status: int, kind: str, told: str, logged: list[str]
) -> None:
    attempt = prepare(desk)
    state, log = desk.state(), desk.logged()
    answer = attempt()
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.data
    problem = answer.json
    assert problem["type"] == PROBLEM + kind
    assert told in f"{problem['title']} {problem.get('detail', '')}"
    assert "Traceback" not in answer.text
    assert desk.state() == state
    assert desk.logged()[len(log) :] == logged


def _text(folder: Path) -> bytes:
    return b"This is a shopping list, whatever its name says.\n" * 40


def _truncated(folder: Path) -> bytes:
    return cut_short(index_first(folder / "whole.mp4"), folder / "cut.mp4", 0.5).read_bytes()


@pytest.mark.parametrize(
    ("make", "code", "told"),
    [(_text, "not_media", "MP4, MOV"), (_truncated, "truncated", "Copy it from the camera again")],
    ids=["a text file named .mp4", "a truncated MP4"],
)
def test_a_file_that_is_no_footage_becomes_a_rejected_recording(
    desk: Desk, tmp_path: Path, make: Any, code: str, told: str
) -> None:
    upload = desk.hand_over(make(tmp_path))
    recording = desk.recording(upload["recording_id"])
    assert (recording["state"], recording["reason_code"]) == ("rejected", code)
    assert told in recording["reason"]
    assert (recording["renditions"], recording["clips"]) == ([], 0)
    assert desk.logged(UUID(recording["id"]))[-1] == "recording:rejected"
    kept = list(desk.vault.store.list(f"recordings/{recording['id']}/"))
    assert [key.rpartition("/")[2] for key in kept] in ([], ["original"])
    assert list(desk.settings.work_dir.glob("job-*")) == []


def test_a_checksum_of_the_whole_that_does_not_match(desk: Desk) -> None:
    upload = desk.hand_over(b"what arrived", sha256=hashlib.sha256(b"what was sent").hexdigest())
    assert (upload["state"], upload["reason_code"]) == ("rejected", "checksum_mismatch")
    assert "send the file again" in upload["reason"]
    assert upload["recording_id"] is None
    assert desk.logged(UUID(upload["id"]))[-1] == "upload:reject"
    assert list(desk.vault.store.list()) == []
    assert list(desk.settings.uploads_dir.iterdir()) == []


def test_the_same_file_twice(desk: Desk, tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", seconds=2).read_bytes()
    first = desk.hand_over(film)
    stored = list(desk.vault.store.list())
    again = desk.hand_over(film, filename="renamed.mp4")
    assert (first["state"], again["state"], again["reason_code"]) == ("recorded", "rejected", "duplicate")
    assert first["recording_id"] in again["reason"]
    assert again["recording_id"] == first["recording_id"]
    assert list(desk.vault.store.list()) == stored
    assert desk.logged(UUID(again["id"]))[-1] == "upload:reject"
    assert desk.recording(first["recording_id"])["state"] == "ready"


def test_an_id_that_nobody_has_is_answered_as_anothers_is(desk: Desk) -> None:
    theirs = anothers_exercise(desk)().json
    nobodys = desk.http.get(f"/api/v1/exercises/{new_id()}", headers=desk.officer | TUS).json
    same = ("type", "title", "status")
    assert [theirs[key] for key in same] == [nobodys[key] for key in same]
