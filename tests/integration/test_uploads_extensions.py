"""tus's extensions over real HTTP: first bytes, unknown lengths, checksums, parts, and methods in a POST's header."""

from __future__ import annotations

import base64
import hashlib
import time
import zlib
from urllib.parse import urlsplit
from uuid import UUID

import requests

from app.core.clock import now
from app.uploads.models import Upload
from app.uploads.service import complete, sweep
from tests.factories.upload_site import BYTES, DATA, TUS, Site, expect


def _made(answer: requests.Response) -> str:
    assert answer.status_code == 201, answer.text
    return urlsplit(answer.headers["Location"]).path


def _create(site: Site, headers: dict[str, str], data: bytes | None = None) -> requests.Response:
    return site.call("POST", "/api/v1/uploads", headers=headers, data=data)


def _deferred(site: Site) -> str:
    headers = site.creation(1) | {"Upload-Defer-Length": "1"}
    del headers["Upload-Length"]
    return _made(_create(site, headers))


def _part(site: Site, data: bytes) -> str:
    return _made(_create(site, site.creation(len(data)) | BYTES | {"Upload-Concat": "partial"}, data))


def _final(site: Site, *parts: str, **said: str) -> requests.Response:
    headers = site.creation(1, **said) | {"Upload-Concat": "final;" + " ".join(parts)}
    del headers["Upload-Length"]
    return _create(site, headers)


def _id(location: str) -> UUID:
    return UUID(location.rpartition("/")[2])


def test_first_bytes_come_with_the_creation(site: Site) -> None:
    some = _create(site, site.creation(len(DATA)) | BYTES, DATA[:1000])
    assert some.headers["Upload-Offset"] == "1000"
    location = _made(some)
    assert site.patch(location, DATA[1000:], 1000).status_code == 204
    assert site.stored(location) == DATA
    whole = _create(site, site.creation(len(DATA)) | BYTES, DATA)
    assert whole.headers["Upload-Offset"] == str(len(DATA))
    assert site.call("GET", f"{_made(whole)}/status").json()["state"] == "received"


def test_a_creation_whose_bytes_are_wrong_leaves_nothing_open(site: Site) -> None:
    wrong = {"Upload-Checksum": "sha1 " + base64.b64encode(hashlib.sha1(b"else").digest()).decode()}
    expect(_create(site, site.creation(10) | BYTES | wrong, b"0123456789"), 460, "checksum-mismatch")
    expect(_create(site, site.creation(10) | BYTES, b"0123456789!"), 413, "body-too-long")
    listed = site.call("GET", "/api/v1/uploads").json()["items"]
    assert {(one["state"], one["reason_code"], one["offset"]) for one in listed} == {
        ("rejected", "terminated", 0)
    }


def test_a_length_may_be_said_with_the_last_bytes(site: Site) -> None:
    location = _deferred(site)
    head = site.call("HEAD", location, headers=TUS)
    assert (head.headers.get("Upload-Length"), head.headers["Upload-Defer-Length"]) == (None, "1")
    assert site.patch(location, DATA[:3000], 0).status_code == 204
    assert site.call("GET", f"{location}/status").json()["length"] is None
    expect(site.patch(location, b"x", 3000, **{"Upload-Length": "2999"}), 409, "length-refused")
    expect(site.patch(location, b"x" * 9, 3000, **{"Upload-Length": "3008"}), 413, "body-too-long")
    assert "Upload-Defer-Length" in site.call("HEAD", location, headers=TUS).headers
    last = site.patch(location, DATA[3000:], 3000, **{"Upload-Length": str(len(DATA))})
    assert (last.status_code, last.headers["Upload-Length"]) == (204, str(len(DATA)))
    assert site.stored(location) == DATA


def test_a_length_may_be_said_alone_and_only_once(site: Site) -> None:
    location, other = _deferred(site), _deferred(site)
    assert site.patch(location, DATA, 0).status_code == 204
    assert site.patch(location, b"", len(DATA), **{"Upload-Length": str(len(DATA))}).status_code == 204
    assert site.call("GET", f"{location}/status").json()["state"] == "received"
    assert site.patch(other, b"", 0, **{"Upload-Length": "9"}).status_code == 204
    expect(site.patch(other, b"", 0, **{"Upload-Length": "10"}), 409, "length-refused")
    expect(site.patch(other, b"0123456789", 0), 413, "body-too-long")


def test_lengths_that_contradict_are_refused(site: Site) -> None:
    both = site.creation(10) | {"Upload-Defer-Length": "1"}
    expect(_create(site, both), 400, "bad-tus-header")
    del both["Upload-Length"]
    expect(_create(site, both | {"Upload-Defer-Length": "2"}), 400, "bad-tus-header")


def test_each_announced_checksum_is_checked(site: Site) -> None:
    location, offset = site.create(), 0
    algorithms = requests.options(f"{site.address}/api/v1/uploads", timeout=10).headers[
        "Tus-Checksum-Algorithm"
    ]
    for name in algorithms.split(","):
        data = DATA[offset : offset + 1000]
        good = zlib.crc32(data).to_bytes(4, "big") if name == "crc32" else hashlib.new(name, data).digest()
        for digest, status in ((bytes(len(good)), 460), (good, 204)):
            said = f"{name} {base64.b64encode(digest).decode()}"
            assert site.patch(location, data, offset, **{"Upload-Checksum": said}).status_code == status
        offset += 1000
    assert (algorithms, site.offset(location)) == ("sha1,sha256,crc32", 3000)


def test_parts_become_one_file(site: Site) -> None:
    parts = [_part(site, DATA[:2_000_000]), _part(site, DATA[2_000_000:])]
    assert site.call("HEAD", parts[0], headers=TUS).headers["Upload-Concat"] == "partial"
    assert site.call("GET", "/api/v1/uploads").json()["items"] == []
    addresses = [parts[0], f"{site.address}{parts[1]}"]
    made = _final(site, *addresses, filename="whole.mp4", sha256=hashlib.sha256(DATA).hexdigest())
    location = _made(made)
    head = site.call("HEAD", location, headers=TUS).headers
    assert (head["Upload-Length"], head["Upload-Concat"]) == (str(len(DATA)), "final;" + " ".join(addresses))
    assert "Upload-Offset" not in head
    expect(site.patch(location, b"x", 0), 403, "final-upload")
    expect(site.call("DELETE", parts[0], headers=TUS), 409, "already-received")
    complete(site.database, site.staging, _id(location), lambda: None)
    assert site.stored(location) == DATA
    assert site.call("HEAD", location, headers=TUS).headers["Upload-Offset"] == str(len(DATA))
    (listed,) = site.call("GET", "/api/v1/uploads").json()["items"]
    assert (listed["filename"], listed["sha256"]) == ("whole.mp4", hashlib.sha256(DATA).hexdigest())
    states = {site.call("GET", f"{part}/status").json()["state"] for part in parts}
    assert states == {"joined"}
    assert not any(site.staging.path(_id(part)).exists() for part in parts)


def test_parts_that_do_not_belong_together_are_refused(site: Site) -> None:
    part, unfinished = (
        _part(site, b"0123"),
        _made(_create(site, site.creation(9) | {"Upload-Concat": "partial"})),
    )
    expect(_final(site, part, unfinished), 409, "parts-unfinished")
    expect(_final(site, part, part), 409, "part-unusable")
    expect(_final(site, site.create(4)), 409, "part-unusable")
    expect(_final(site, part, exercise="0199c1d2-0000-7000-8000-000000000000"), 409, "part-unusable")
    for listed in ("", "/api/v1/uploads/nothing", "/elsewhere/" + part.rpartition("/")[2], "http://[::1"):
        expect(_final(site, listed), 400, "bad-tus-header")
    unknown = part[:-4] + "0000"
    expect(_final(site, unknown), 404, "not-found")
    again = _part(site, b"4567")
    assert _made(_final(site, part, again)) == _made(
        _final(site, part, again)
    )  # the answer may have been lost
    for listed in ([part], [again, part]):
        expect(_final(site, *listed), 409, "part-unusable")


def test_another_forces_parts_are_as_if_they_were_not(site: Site) -> None:
    part = _part(site, b"0123")
    headers = site.creation(1) | {"Upload-Concat": f"final;{part}"} | site.stranger
    del headers["Upload-Length"]
    expect(_create(site, headers), 404, "not-found")
    assert site.call("GET", f"{part}/status").json()["state"] == "received"


def test_unused_parts_end_as_unfinished_uploads_do(site: Site) -> None:
    given_up, expired = _part(site, b"0123"), _part(site, b"4567")
    assert site.call("DELETE", given_up, headers=TUS).status_code == 204
    with site.database.transaction() as session:
        row = session.get(Upload, _id(expired))
        assert row is not None
        row.expires_at = now()
    expect(_final(site, expired), 410, "upload-gone")
    sweep(site.database, site.staging)
    for part in (given_up, expired):
        expect(site.call("HEAD", part, headers=TUS), 410)
        assert not site.staging.path(_id(part)).exists()


def test_a_post_may_stand_for_another_method(site: Site) -> None:
    location = site.create(8)

    def post(method: str, data: bytes = b"", **headers: str) -> requests.Response:
        said = BYTES | {"X-HTTP-Method-Override": method} | headers
        return site.call("POST", location, headers=said, data=data)

    assert post("PATCH", b"0123", **{"Upload-Offset": "0"}).headers["Upload-Offset"] == "4"
    assert post("HEAD").headers["Upload-Offset"] == "4"
    expect(post("GET"), 400, "bad-tus-header")
    for path in (location, "/api/v1/uploads"):
        asked = site.call("POST", path, headers={"X-HTTP-Method-Override": "OPTIONS"})
        assert (asked.status_code, asked.headers["Tus-Version"]) == (204, "1.0.0")
        assert "creation" in asked.headers["Tus-Extension"]
    creation = site.creation(8)
    made = site.call("POST", "/api/v1/uploads", headers=creation | {"X-HTTP-Method-Override": "POST"})
    assert made.status_code == 201
    refused = site.call("POST", "/api/v1/uploads", headers=creation | {"X-HTTP-Method-Override": "PATCH"})
    expect(refused, 400, "bad-tus-header")
    expect(site.call("POST", location, headers=TUS), 400, "bad-tus-header")
    strange = site.call(
        "POST", location, headers=BYTES | {"X-HTTP-Method-Override": "DELETE"} | site.stranger
    )
    expect(strange, 404, "not-found")
    assert post("DELETE").status_code == 204
    expect(post("HEAD"), 410, "upload-gone")


def test_a_stalled_body_in_chunks_lets_go_at_once_too(site: Site) -> None:
    location = site.create()
    sock = site.half_sent(location, b"2710\r\n" + DATA[:10_000] + b"\r\n4\r\nab", chunked=True)
    time.sleep(0.5)
    started = time.monotonic()
    assert site.offset(location) == 10_002
    assert time.monotonic() - started < 2
    sock.close()


def test_after_a_body_in_chunks_the_connection_goes_on(site: Site) -> None:
    location = site.create(10)
    with requests.Session() as session:
        url, headers = site.address + location, site.officer | BYTES
        pieces = iter([b"0123", b"456789"])
        answer = session.patch(url, data=pieces, headers=headers | {"Upload-Offset": "0"}, timeout=10)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "10")
        assert session.get(f"{url}/status", headers=headers, timeout=10).json()["state"] == "received"
    assert urlsplit(url).path == location
