from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.core.db import Database
from app.core.identity import Role
from app.exercises.models import Exercise
from app.factory import create_app
from app.recordings.models import Recording
from app.settings import Settings
from app.storage.vault import Vault
from app.uploads import service as uploads
from tests.factories.accounts import bearer, make_identity, make_person
from tests.factories.exercises import make_exercise
from tests.factories.fingerprints import compare, copied, film, store
from tests.factories.recordings import make_ready_recording, make_recording

PROXY = b"0123456789" * 1000


@dataclass
class Site:
    client: FlaskClient
    officer: dict[str, str]
    stranger: dict[str, str]
    auditor: dict[str, str]
    ready: Recording
    busy: Recording


@pytest.fixture
def site(settings: Settings, database: Database, vault: Vault) -> Iterator[Site]:
    with database.transaction() as session:
        person = make_person(session, roles=[Role.DATA_OFFICER])
        exercise = make_exercise(session, organisation_id=person.organisation_id)
        ready = make_ready_recording(session, vault, exercise=exercise)
        busy = make_recording(session, vault, exercise=exercise, data=b"busy")
        tokens = [
            bearer(session, who)
            for who in (person, make_person(session), make_person(session, roles=[Role.AUDITOR]))
        ]
    with create_app(settings, "staff", database=database).test_client() as client:
        yield Site(client, *tokens, ready, busy)


def test_a_force_reads_what_became_of_its_footage(site: Site) -> None:
    path = f"/api/v1/recordings/{site.ready.id}"
    found = site.client.get(path, headers=site.officer).json
    assert (found["state"], found["clips"], found["renditions"]) == ("ready", 2, ["proxy"])
    assert found["progress"] is None
    listed = site.client.get(
        f"/api/v1/recordings?exercise={site.ready.exercise_id}&state=ready", headers=site.officer
    ).json["items"]
    assert [one["id"] for one in listed] == [str(site.ready.id)]
    clips = site.client.get(f"{path}/clips", headers=site.officer).json["items"]
    assert [(clip["start_frame"], clip["end_frame"]) for clip in clips] == [(50, 100), (0, 50)]
    assert [(clip["eventful"], clip["reasons"]) for clip in clips] == [(False, []), (True, ["impulse"])]
    assert site.client.get(path, headers=site.auditor).status_code == 200


def test_pictures_come_by_range_and_are_never_cached(site: Site) -> None:
    path = f"/api/v1/recordings/{site.ready.id}/renditions/proxy"
    whole = site.client.get(path, headers=site.officer)
    assert (whole.status_code, whole.data) == (200, PROXY)
    assert whole.headers["Cache-Control"] == "private, no-store"
    assert (whole.headers["Accept-Ranges"], whole.content_type) == ("bytes", "video/mp4")
    part = site.client.get(path, headers=site.officer | {"Range": "bytes=5-14"})
    assert (part.status_code, part.data) == (206, PROXY[5:15])
    assert part.headers["Content-Range"] == f"bytes 5-14/{len(PROXY)}"
    tail = site.client.get(path, headers=site.officer | {"Range": "bytes=-3"})
    assert (tail.status_code, tail.data) == (206, PROXY[-3:])
    beyond = site.client.get(path, headers=site.officer | {"Range": f"bytes={len(PROXY)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(PROXY)}")
    same = site.client.get(path, headers=site.officer | {"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304


def test_a_playlist_finds_its_media_beside_it(site: Site) -> None:
    """An ending is passed over, so that the relative address in a playlist is one that is served."""
    path = f"/api/v1/recordings/{site.ready.id}/renditions/proxy"
    named = site.client.get(f"{path}.mp4", headers=site.officer | {"Range": "bytes=0-3"})
    assert (named.status_code, named.data) == (206, PROXY[:4])
    assert (
        site.client.get(f"{path}.mp4", headers=site.officer).headers["ETag"]
        == (site.client.get(path, headers=site.officer).headers["ETag"])
    )


@pytest.mark.parametrize(
    "kind", ["master", "master.mp4", "original", "ledger", "pcm", "telemetry", "samples", "poster", "nothing"]
)
def test_masters_and_originals_cannot_be_had(site: Site, kind: str) -> None:
    path = f"/api/v1/recordings/{site.ready.id}/renditions/{kind}"
    assert site.client.get(path, headers=site.officer).status_code == 404


def test_to_another_force_the_recording_does_not_exist(site: Site) -> None:
    path = f"/api/v1/recordings/{site.ready.id}"
    for method, where, body in (
        ("GET", path, None),
        ("GET", f"{path}/clips", None),
        ("GET", f"{path}/renditions/proxy", None),
        ("POST", f"{path}/withdraw", {"reason": "x"}),
        ("POST", f"{path}/cancel", None),
    ):
        answer = site.client.open(where, method=method, json=body, headers=site.stranger)
        assert answer.status_code == 404, where
    assert site.client.get("/api/v1/recordings", headers=site.stranger).json["items"] == []
    assert site.client.get(f"{path}/renditions/proxy", headers=site.auditor).status_code == 404


def test_withdrawal_needs_a_reason_and_ends_viewing(site: Site) -> None:
    path = f"/api/v1/recordings/{site.ready.id}"
    for nothing in ({}, {"reason": " \n "}):
        assert site.client.post(f"{path}/withdraw", json=nothing, headers=site.officer).status_code == 422
    done = site.client.post(f"{path}/withdraw", json={"reason": "asked for"}, headers=site.officer)
    assert (done.status_code, done.json["state"], done.json["reason"]) == (200, "withdrawn", "asked for")
    assert site.client.get(f"{path}/renditions/proxy", headers=site.officer).status_code == 404
    again = site.client.post(f"{path}/withdraw", json={"reason": "x"}, headers=site.officer)
    assert again.status_code == 409


def test_processing_is_stopped_once(site: Site) -> None:
    path = f"/api/v1/recordings/{site.busy.id}/cancel"
    stopped = site.client.post(path, headers=site.officer)
    assert (stopped.status_code, stopped.json["reason_code"]) == (200, "cancelled")
    assert site.client.post(path, headers=site.officer).status_code == 409


def test_what_the_service_failed_to_process_is_processed_again_by_its_force(
    site: Site, database: Database
) -> None:
    path, page = f"/api/v1/recordings/{site.busy.id}/process-again", f"/recordings/{site.busy.id}"
    assert site.client.post(path, headers=site.officer).status_code == 409
    for address in (path, f"{page}/process-again"):
        with database.transaction() as session:
            failed = session.get_one(Recording, site.busy.id)
            failed.state, failed.reason_code, failed.reason = (
                "rejected",
                "processing_failed",
                "It failed here",
            )
        shown = site.client.get(page, headers=site.officer).text
        assert "Process again" in shown
        assert "need not be sent again" in shown
        assert "Process again" not in site.client.get(page, headers=site.auditor).text
        for who in (site.stranger, site.auditor):
            assert site.client.post(address, headers=who).status_code == 404
        assert site.client.post(address, headers=site.officer).status_code in (200, 302)
        told = site.client.get(f"/api/v1/recordings/{site.busy.id}", headers=site.officer).json
        assert (told["state"], told["reason_code"], told["reason"]) == ("processing", None, None)
        shown = site.client.get(page, headers=site.officer).text
        assert "Process again" not in shown
        assert "Processing began again, from the stored original" in shown


def test_a_force_reads_where_else_its_footage_is(site: Site, database: Database, vault: Vault) -> None:
    with database.transaction() as session:
        exercise = session.get_one(Exercise, site.ready.exercise_id)
        other = make_ready_recording(session, vault, exercise=exercise, data=b"other", filename="b.mp4")
        foreign = make_ready_recording(session, vault, data=b"foreign", filename="secret.mp4")
        for made, hashes in ((site.ready, film(1)), (other, film(1)[:5]), (foreign, copied(film(1), 8))):
            store(session, made, hashes)
    path, page = (f"{root}/recordings/{site.ready.id}" for root in ("/api/v1", ""))
    assert site.client.get(f"{path}/duplicates", headers=site.officer).json == {
        "state": "comparing",
        "found": [],
    }
    assert b"is being compared" in site.client.get(page, headers=site.officer).data
    assert compare(database, site.ready, other, foreign) == [2, 2, 2]
    assert site.client.get(f"{path}/duplicates", headers=site.officer).json == {
        "state": "compared",
        "found": [
            {
                "recording_id": str(other.id),
                "filename": "b.mp4",
                "exercise_id": str(other.exercise_id),
                "kind": "near",
                "share": 0.25,
                "other_share": 1.0,
                "stretches": [[0, 25]],
                "other_stretches": [[0, 21]],
            }
        ],
    }
    shown = site.client.get(page, headers=site.officer).text
    assert f'href="/recordings/{other.id}"' in shown
    assert "25 % of this one, 100 % of the other" in shown
    assert "secret.mp4" not in shown
    assert str(foreign.id) not in shown
    assert "secret.mp4" in site.client.get(page, headers=site.auditor).text
    seen = site.client.get(f"{path}/duplicates", headers=site.auditor).json["found"]
    assert [one["filename"] for one in seen] == ["secret.mp4", "b.mp4"]
    assert site.client.get(f"{path}/duplicates", headers=site.stranger).status_code == 404


def test_details_are_changed_by_version_and_many_at_once(site: Site) -> None:
    path = f"/api/v1/recordings/{site.ready.id}"
    etag = site.client.get(path, headers=site.officer).headers["ETag"]
    said = {"started_at": "2026-03-14T10:15:00+00:00", "clock_offset_seconds": 90, "viewpoint": "fixed"}
    assert site.client.patch(path, json=said, headers=site.officer).status_code == 428
    done = site.client.patch(path, json=said, headers=site.officer | {"If-Match": etag})
    assert (done.status_code, done.headers["ETag"]) == (200, '"2"')
    assert done.json["started_at"] == "2026-03-14T10:15:00+00:00"
    assert done.json["corrected_start"] == "2026-03-14T10:13:30+00:00"
    assert site.client.patch(path, json={}, headers=site.officer | {"If-Match": etag}).status_code == 412
    for wrong in (
        {"viewpoint": "above"},
        {"clock_offset_seconds": 4e8},
        {"started_at": "2026-03-14"},
        {"x": 1},
        {"camera": "  "},
    ):
        refused = site.client.patch(path, json=wrong, headers=site.officer | {"If-Match": '"2"'})
        assert refused.status_code == 422, wrong
    assert site.client.patch(path, json={}, headers=site.stranger | {"If-Match": '"2"'}).status_code == 404
    body = {"ids": [str(site.ready.id), str(site.busy.id)], "changes": {"camera": "AX-1"}}
    assert site.client.post("/api/v1/recordings/details", json=body, headers=site.stranger).status_code == 404
    both = site.client.post("/api/v1/recordings/details", json=body, headers=site.officer)
    assert [one["camera"] for one in both.json] == ["AX-1", "AX-1"]
    found = site.client.get("/api/v1/recordings?q=ax-1&state=ready", headers=site.officer).json["items"]
    assert [one["id"] for one in found] == [str(site.ready.id)]


def test_files_are_checked_before_they_are_sent(site: Site, settings: Settings) -> None:
    known, exercise = site.ready.sha256.hex(), str(site.ready.exercise_id)
    files = [
        {"filename": "again.mp4", "length": 4, "sha256": known},
        {"filename": "new.mp4", "length": 10, "sha256": "ab" * 32, "details": {"camera": "AX-1"}},
        {"filename": "twice.mp4", "length": 10, "sha256": "ab" * 32},
        {"filename": "empty.mp4", "length": 0},
        {"filename": "vast.mp4", "length": settings.upload_max_bytes + 1},
        {"filename": "odd.mp4", "length": 1, "details": {"viewpoint": "above", "mood": "good"}},
        {"filename": "a\nb.mp4", "length": 1},
        {"filename": "..", "length": 1},
    ]
    body = {"exercise_id": exercise, "files": files}
    answer = site.client.post("/api/v1/uploads/check", json=body, headers=site.officer).json
    held = site.ready.size + site.busy.size
    assert answer["quota_left"] == settings.upload_quota_bytes - held
    assert [one["filename"] for one in answer["files"]] == [one["filename"] for one in files]
    assert [one["duplicate_of"] for one in answer["files"]] == [str(site.ready.id)] + [None] * 7
    fields = [[problem["field"] for problem in one["problems"]] for one in answer["files"]]
    assert fields == [
        [],
        [],
        ["sha256"],
        ["length"],
        ["length"],
        ["mood", "viewpoint"],
        ["filename"],
        ["filename"],
    ]
    assert [one["length_known"] for one in answer["files"]] == [True] + [False] * 7
    foreign = site.client.post("/api/v1/uploads/check", json=body, headers=site.stranger)
    assert foreign.status_code == 404
    assert site.client.post("/api/v1/uploads/check", json=body, headers=site.auditor).status_code == 403
    many = {"exercise_id": exercise, "files": [files[0]] * 1001}
    assert site.client.post("/api/v1/uploads/check", json=many, headers=site.officer).status_code == 422


def lengths_known(site: Site, officer: dict[str, str], exercise: UUID, *lengths: int) -> list[bool]:
    files = [{"filename": f"{length}.mp4", "length": length} for length in lengths]
    body = {"exercise_id": str(exercise), "files": files}
    answer = site.client.post("/api/v1/uploads/check", json=body, headers=officer).json
    return [one["length_known"] for one in answer["files"]]


def test_a_length_says_whether_hashing_is_worth_while(
    site: Site, settings: Settings, database: Database, vault: Vault
) -> None:
    """Of what one's own force holds or is receiving; of others' footage, and of what is gone, nothing is said."""
    with database.transaction() as session:
        exercise = session.get_one(Exercise, site.ready.exercise_id)
        gone = make_recording(session, vault, exercise=exercise, data=b"withdrawn", state="withdrawn")
        stranger = make_person(session, roles=[Role.DATA_OFFICER])
        foreign = make_exercise(session, organisation_id=stranger.organisation_id)
        officer = make_identity(session, Role.DATA_OFFICER, organisation=exercise.organisation)
        for partial, length in ((False, 777), (True, 778)):
            said = uploads.Declared(exercise_id=exercise.id)
            uploads.create_upload(session, officer, settings, length=length, declared=said, partial=partial)
        other_force = bearer(session, stranger)
    known = (site.ready.size, site.busy.size, gone.size, 777, 778, 779)
    assert lengths_known(site, site.officer, exercise.id, *known) == [True, True, False, True, False, False]
    assert lengths_known(site, other_force, foreign.id, *known) == [False] * 6


def test_room_is_counted_over_the_whole_list(site: Site, settings: Settings) -> None:
    most = settings.upload_max_bytes
    count = settings.upload_quota_bytes // most + 2
    assert count <= 1000, "the room holds more than one list can ask for"
    files = [{"filename": f"{n}.mp4", "length": most} for n in range(count)]
    body = {"exercise_id": str(site.ready.exercise_id), "files": files}
    answer = site.client.post("/api/v1/uploads/check", json=body, headers=site.officer).json
    assert answer["files"][0]["problems"] == []
    assert [one["field"] for one in answer["files"][-1]["problems"]] == ["length"]


def test_a_page_of_recordings_says_what_it_cannot_read(site: Site) -> None:
    shown = site.client.get("/recordings?since=yesterday&q=film", headers=site.officer)
    assert shown.status_code == 200
    assert "Received from: give a day" in shown.text
    assert site.client.get("/recordings/details", headers=site.officer).status_code == 302
    for chosen in ([], ["none"]):
        sent = site.client.post("/recordings/details", headers=site.officer, data={"id": chosen})
        assert (sent.status_code, sent.headers.get("Location")) == (302, "/recordings")
    all_of_it = site.client.get(
        f"/recordings/details?exercise={site.ready.exercise_id}", headers=site.officer
    ).text
    assert all_of_it.count('name="id"') == 2
    listed = site.client.get(f"/recordings?exercise={site.ready.exercise_id}", headers=site.officer)
    assert f'href="/recordings/{site.ready.id}"' in listed.text
