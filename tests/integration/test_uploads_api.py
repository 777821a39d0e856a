"""tus over real HTTP under gunicorn: the core protocol's answers, broken connections, who gets the upload."""

from __future__ import annotations

import base64
import hashlib
import http.client
import threading
import time
from urllib.parse import urlsplit
from uuid import UUID

import requests

from app.core.clock import now
from app.uploads.models import Upload
from tests.factories.upload_site import BYTES, DATA, TUS, Site, expect


def test_the_protocol_answers_as_it_should(site: Site) -> None:
    options = requests.options(f"{site.address}/api/v1/uploads", timeout=10)
    assert (options.status_code, options.headers["Tus-Version"]) == (204, "1.0.0")
    assert set(options.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
        "concatenation",
    }
    location = site.create()
    first = site.patch(location, DATA[:1000], 0)
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert "Upload-Expires" in first.headers

    expect(site.patch(location, b"x" * 3_000_000, 0), 409, "wrong-offset")
    expect(site.patch(location, DATA, 1000), 413, "body-too-long")
    expect(site.patch(location, b"x", 1000, **{"Content-Type": "video/mp4"}), 415, "tus-content-type")
    old = site.patch(location, b"x", 1000, **{"Tus-Resumable": "0.2.2"})
    expect(old, 412, "tus-version")
    assert old.headers["Tus-Version"] == "1.0.0"
    wrong = "sha1 " + base64.b64encode(hashlib.sha1(b"else").digest()).decode()
    bad = site.patch(location, DATA[1000:2000], 1000, **{"Upload-Checksum": wrong})
    expect(bad, 460, "checksum-mismatch")
    assert bad.reason == "Checksum Mismatch"
    expect(site.patch(location, b"x", 1000, **{"Upload-Checksum": "crc32 AAAA"}), 400, "bad-tus-header")
    assert site.offset(location) == 1000

    right = "sha256 " + base64.b64encode(hashlib.sha256(DATA[1000:]).digest()).decode()
    assert site.patch(location, DATA[1000:], 1000, **{"Upload-Checksum": right}).status_code == 204
    assert site.stored(location) == DATA
    status = site.call("GET", f"{location}/status").json()
    assert (status["state"], status["offset"], status["filename"]) == ("received", len(DATA), "A.mp4")
    assert site.offset(location) == len(DATA)
    expect(site.call("DELETE", location, headers=TUS), 409, "already-received")
    assert [one["id"] for one in site.call("GET", "/api/v1/uploads?state=received").json()["items"]] == [
        status["id"]
    ]


def test_metadata_is_told_back_as_it_was_said(site: Site) -> None:
    headers = site.creation(10)
    headers["Upload-Metadata"] += ",foo YmFy, is_confidential"
    made = site.call("POST", "/api/v1/uploads", headers=headers)
    assert made.headers["Upload-Metadata"] == headers["Upload-Metadata"]
    told = site.call("HEAD", urlsplit(made.headers["Location"]).path, headers=TUS)
    assert told.headers["Upload-Metadata"] == headers["Upload-Metadata"]


def test_every_answer_of_a_tus_resource_says_its_version(site: Site) -> None:
    location = site.create(10)
    for method, path in (("PUT", location), ("DELETE", "/api/v1/uploads"), ("PUT", "/api/v1/uploads")):
        answer = site.call(method, path, headers=TUS)
        expect(answer, 405, "method-not-allowed")
        assert answer.headers["Tus-Resumable"] == "1.0.0", (method, path)
        assert answer.headers["Allow"]
    assert "Tus-Resumable" not in site.call("PUT", "/api/v1/exercises").headers


def test_bad_creations_are_refused_and_change_nothing(site: Site) -> None:
    def create(headers: dict[str, str]) -> requests.Response:
        return site.call("POST", "/api/v1/uploads", headers=headers)

    expect(create(site.creation(0)), 422, "empty-upload")
    expect(create(site.creation(2**60)), 413, "upload-too-large")
    expect(create(site.creation(10) | {"Upload-Length": "ten"}), 400, "bad-tus-header")
    expect(create(TUS | {"Upload-Length": "10"}), 400, "bad-tus-header")
    expect(create(site.creation(10, exercise="0199c1d2-0000-7000-8000-000000000000")), 404, "not-found")
    expect(create(site.creation(10) | site.stranger), 404, "not-found")
    expect(create(site.creation(10) | {"Authorization": "Bearer nobody"}), 401, "unauthenticated")
    assert site.call("GET", "/api/v1/uploads").json()["items"] == []


def test_no_other_force_can_tell_that_an_upload_exists(site: Site) -> None:
    location = site.create()
    for method, path, headers in (
        ("HEAD", location, TUS),
        ("PATCH", location, BYTES | {"Upload-Offset": "0"}),
        ("DELETE", location, TUS),
        ("GET", f"{location}/status", {}),
    ):
        real = site.call(method, path, headers=headers | site.stranger)
        unknown = path.replace(location[-4:], "0000")
        assert (
            real.status_code == site.call(method, unknown, headers=headers | site.stranger).status_code == 404
        )
    digest = site.call("POST", f"{location}/digest", json={"sha256": "0" * 64}, headers=site.stranger)
    assert digest.status_code == 404
    assert site.offset(location) == 0


def test_ended_uploads_are_gone(site: Site) -> None:
    ended, expired = site.create(), site.create()
    assert site.call("DELETE", ended, headers=TUS).status_code == 204
    with site.database.transaction() as session:
        row = session.get(Upload, UUID(expired.rpartition("/")[2]))
        assert row is not None
        row.expires_at = now()
    for location in (ended, expired):
        expect(site.call("HEAD", location, headers=TUS), 410)
        expect(site.patch(location, b"x", 0), 410, "upload-gone")


def test_a_cut_connection_keeps_what_arrived(site: Site) -> None:
    location = site.create()
    sock = site.half_sent(location, DATA[:2_000_000])
    sock.close()
    offset = site.settled(location, 2_000_000)
    assert site.patch(location, DATA[offset:], offset).status_code == 204
    assert site.stored(location) == DATA


def test_a_resuming_client_takes_over_from_a_dead_connection_at_once(site: Site) -> None:
    location = site.create()
    sock = site.half_sent(location, DATA[:2_000_000])  # stays open: the server cannot know that it is dead
    time.sleep(0.3)
    started = time.monotonic()
    offset = site.offset(location)
    assert time.monotonic() - started < 3
    assert offset == 2_000_000
    assert site.patch(location, DATA[offset:], offset).status_code == 204
    assert site.stored(location) == DATA
    sock.close()


def test_a_second_writer_is_kept_out_while_the_first_is_alive(site: Site) -> None:
    location = site.create()
    sock = site.half_sent(location, DATA[:1000])
    alive = threading.Event()

    def trickle() -> None:
        for place in range(1000, 21_000, 100):
            if alive.wait(0.05):
                return
            sock.sendall(DATA[place : place + 100])

    thread = threading.Thread(target=trickle)
    thread.start()
    time.sleep(0.3)
    expect(site.patch(location, DATA[:5000], 0), 423, "upload-locked")
    alive.set()
    thread.join()
    sock.close()


def test_chunked_bodies_are_taken_too(site: Site) -> None:
    location = site.create()
    pieces = (DATA[n : n + 70_000] for n in range(0, len(DATA), 70_000))
    answer = site.call("PATCH", location, data=pieces, headers=BYTES | {"Upload-Offset": "0"})
    assert (answer.status_code, site.stored(location)) == (204, DATA)


def test_a_connection_is_reused_for_the_next_chunk(site: Site) -> None:
    location = site.create()
    parts = urlsplit(site.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    for place in range(0, len(DATA), 1_000_000):
        chunk = DATA[place : place + 1_000_000]
        headers = site.officer | BYTES | {"Upload-Offset": str(place)}
        connection.request("PATCH", location, body=chunk, headers=headers)
        sock = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204
        assert connection.sock is sock
    connection.close()
    assert site.stored(location) == DATA
