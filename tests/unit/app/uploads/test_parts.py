"""Files sent in parts, and files whose length is said later, at the service."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from app.core.errors import Hidden, NotFound
from app.core.identity import Role
from app.uploads import queries, service
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import Checksum, Declared
from app.uploads.service import errors as reasons
from tests.factories.accounts import make_identity
from tests.factories.exercises import make_exercise
from tests.factories.upload_desk import DATA, Desk
from tests.factories.uploads import BytesSource

WHOLE = hashlib.sha256(DATA).digest()


def _part(desk: Desk, data: bytes) -> Upload:
    return desk.send(desk.create(len(data), partial=True), data)


def _join(desk: Desk, *parts: Upload, exercise: UUID | None = None, sha256: bytes | None = WHOLE) -> Upload:
    said = Declared(exercise_id=exercise or desk.exercise.id, filename="whole.mp4", sha256=sha256)
    ids = [part.id for part in parts]
    with desk.db.transaction() as session:
        return service.join_uploads(
            session, desk.officer, desk.settings, parts=ids, declared=said, said="final;…"
        )


def _held(desk: Desk) -> int:
    with desk.db.transaction() as session:
        return queries.bytes_held(session, desk.exercise.organisation_id)


def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.uploads.service import completion, reception, staging

    for module in (completion, reception, staging):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
        monkeypatch.setattr(module, "READ_SIZE", 8)


def test_parts_are_joined_with_digests_of_their_own(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_blocks(monkeypatch)
    parts = [_part(desk, DATA[:17]), _part(desk, DATA[17:20]), _part(desk, DATA[20:])]
    assert desk.jobs() == []
    final = _join(desk, *parts)
    assert (final.state, final.length, final.filename) == ("received", len(DATA), "whole.mp4")
    done = desk.complete(final)
    assert (done.sha256, desk.staging.path(final.id).read_bytes()) == (WHOLE, DATA)
    with desk.db.transaction() as session:
        query = select(UploadBlock.sha256).where(UploadBlock.upload_id == final.id).order_by("ordinal")
        blocks = list(session.scalars(query))
    assert blocks == [hashlib.sha256(DATA[n : n + 16]).digest() for n in range(0, len(DATA), 16)]
    assert desk.jobs() == ["uploads.complete", "recordings.register"]
    assert desk.staging.listed() == [final.id]
    assert {desk.row(part).state for part in parts} == {"joined"}
    desk.complete(final)
    assert desk.jobs() == ["uploads.complete", "recordings.register"]


@pytest.mark.parametrize("damage", ["changed", "gone", "short"])
def test_a_part_damaged_while_it_waited_is_noticed(desk: Desk, damage: str) -> None:
    parts = [_part(desk, DATA[:16]), _part(desk, DATA[16:])]
    final = _join(desk, *parts, sha256=None)
    file = desk.staging.path(parts[0].id)
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"x" * 16 if damage == "changed" else b"")
    done = desk.complete(final)
    assert (done.state, done.reason_code) == ("rejected", "damaged_in_staging")
    assert desk.staging.listed() == []


def test_a_whole_that_is_not_as_declared_is_rejected(desk: Desk) -> None:
    parts = [_part(desk, DATA[16:]), _part(desk, DATA[:16])]
    final = _join(desk, *parts)
    assert _join(desk, *parts).id == final.id, "an answer that was not heard"
    with pytest.raises(reasons.PartUnusable, match="another SHA-256"):
        _join(desk, *parts, sha256=hashlib.sha256(DATA[16:] + DATA[:16]).digest())
    assert desk.complete(final).reason_code == "checksum_mismatch"
    with pytest.raises(reasons.PartUnusable, match="refused"):
        _join(desk, *parts)


def test_as_many_parts_are_taken_as_one_header_holds(desk: Desk) -> None:
    from app.uploads.service.joining import MOST_PARTS

    address = f"https://a-rather-long-name.of-a-service.police.example/api/v1/uploads/{desk.exercise.id}"
    header = "Upload-Concat: final;" + " ".join([address] * MOST_PARTS)
    assert len(header) <= 8190, "gunicorn's limit_request_field_size"
    ids = [uuid4() for _ in range(MOST_PARTS + 1)]
    said = Declared(exercise_id=desk.exercise.id)
    with desk.db.transaction() as session, pytest.raises(reasons.PartUnusable, match=str(MOST_PARTS)):
        service.join_uploads(session, desk.officer, desk.settings, parts=ids, declared=said, said="final;…")


def test_a_joining_that_was_killed_begins_again(desk: Desk) -> None:
    final = _join(desk, _part(desk, DATA[:16]), _part(desk, DATA[16:]))

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        service.complete(desk.db, desk.staging, final.id, killed)
    service.sweep(desk.db, desk.staging)
    desk.staging.path(final.id).write_bytes(b"half of something, and longer than the whole of it will be")
    assert desk.complete(final).sha256 == WHOLE
    assert desk.staging.path(final.id).read_bytes() == DATA


def test_the_quota_counts_bytes_once(desk: Desk) -> None:
    desk.settings = replace(desk.settings, upload_quota_bytes=len(DATA), upload_max_bytes=len(DATA))
    parts = [_part(desk, DATA[:16]), _part(desk, DATA[16:])]
    assert _held(desk) == len(DATA)
    with pytest.raises(reasons.QuotaExceeded):
        desk.create(1)
    final = _join(desk, *parts)
    assert _held(desk) == len(DATA)
    desk.complete(final)
    assert _held(desk) == len(DATA)


def test_a_whole_is_no_larger_than_one_upload_may_be(desk: Desk) -> None:
    parts = [_part(desk, DATA[:16]), _part(desk, DATA[16:])]
    desk.settings = replace(desk.settings, upload_max_bytes=len(DATA) - 1)
    with pytest.raises(reasons.UploadTooLarge):
        _join(desk, *parts)
    assert desk.row(parts[0]).joined_into is None


def test_parts_of_others_are_not_joined(desk: Desk) -> None:
    part = _part(desk, DATA)
    with desk.db.transaction() as session:
        other = make_exercise(session, organisation_id=desk.officer.organisation_id).id
    with pytest.raises(reasons.PartUnusable):
        _join(desk, part, exercise=other)
    own = desk.officer
    with desk.db.transaction() as session:
        desk.officer = make_identity(session, Role.DATA_OFFICER)
    with pytest.raises(NotFound) as refused:
        _join(desk, part)
    assert refused.type is Hidden
    desk.officer = own
    assert _join(desk, part).length == len(DATA)


def test_a_part_has_no_digest_of_its_own(desk: Desk) -> None:
    part = desk.create(partial=True, sha256=WHOLE)
    assert part.declared_sha256 is None
    with pytest.raises(reasons.NoDigestOfParts), desk.db.transaction() as session:
        service.declare_digest(session, desk.officer, part.id, WHOLE)


def test_parts_are_no_files(desk: Desk) -> None:
    part = _part(desk, DATA)
    with desk.db.transaction() as session:
        assert service.list_uploads(session, desk.officer).items == []
    service.complete(desk.db, desk.staging, part.id, lambda: None)
    assert desk.row(part).sha256 is None
    assert desk.jobs() == []


def test_an_unknown_length_holds_the_limits_meanwhile(desk: Desk) -> None:
    desk.settings = replace(desk.settings, upload_max_bytes=20, upload_quota_bytes=30)
    first, second = desk.create(None), desk.create(None)
    with pytest.raises(reasons.UploadTooLarge):
        desk.send(first, b"x" * 21)
    with pytest.raises(reasons.UploadTooLarge):
        desk.send(first, b"x" * 21, length=None)
    assert desk.send(first, b"x" * 20).offset == 20
    assert desk.send(second, b"x" * 5).offset == 5
    for length in (6, None):
        with pytest.raises(reasons.QuotaExceeded):
            desk.send(second, b"x" * 6, 5, length=length)
    assert (desk.row(second).offset, desk.staging.path(second.id).stat().st_size) == (5, 5)
    with pytest.raises(reasons.QuotaExceeded):
        desk.send(second, b"", 5, total=11)
    with pytest.raises(reasons.UploadTooLarge):
        desk.send(second, b"", 5, total=21)
    assert desk.row(second).length is None
    assert desk.send(second, b"x" * 5, 5, total=10).state == "received"
    with pytest.raises(reasons.QuotaExceeded):
        desk.create(None)


def test_an_unknown_length_ends_verified_like_any_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _small_blocks(monkeypatch)
    upload = desk.create(None, sha256=WHOLE)
    desk.send(upload, DATA[:20])
    desk.send(upload, DATA[20:], 20)
    assert desk.row(upload).state == "receiving"
    assert desk.send(upload, b"", len(DATA), total=len(DATA)).state == "received"
    assert desk.complete(upload).sha256 == WHOLE


def test_of_bytes_that_fail_their_checksum_nothing_is_kept(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA[:5])
    with pytest.raises(reasons.ChecksumMismatch):
        desk.send(upload, DATA[5:9], 5, checksum=Checksum("crc32", b"\0\0\0\0"))
    assert desk.staging.path(upload.id).read_bytes() == DATA[:5]


def test_first_bytes_that_do_not_come_end_the_upload(desk: Desk) -> None:
    upload = desk.create()
    with pytest.raises(reasons.ConnectionLost):
        desk.receiver.receive_first(
            desk.officer,
            upload.id,
            length=len(DATA),
            source=BytesSource(DATA[:9], fail=reasons.ConnectionLost()),
        )
    assert (desk.row(upload).reason_code, desk.staging.listed()) == ("terminated", [])
