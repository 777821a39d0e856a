from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.core.clock import now
from app.core.errors import Hidden, NotFound
from app.core.identity import Role
from app.exercises.models import Exercise
from app.exercises.service import ExerciseClosed
from app.recordings.models import Recording
from app.storage.vault import Vault
from app.uploads import queries, service
from app.uploads.models import Upload, UploadBlock
from app.uploads.service import Checksum, Declared, DirectUploads, reception, staging
from app.uploads.service import errors as reasons
from app.uploads.service.screening import Check, Read, Verdict
from app.uploads.service.staging import BLOCK_SIZE
from tests.factories.accounts import make_identity
from tests.factories.recordings import make_recording
from tests.factories.upload_desk import DATA, Desk
from tests.factories.uploads import BytesSource


def test_all_bytes_make_an_upload_received_and_verified(desk: Desk) -> None:
    upload = desk.create(filename="A1.MP4", sha256=hashlib.sha256(DATA).digest())
    assert upload.filename == "A1.MP4"
    assert desk.send(upload, DATA[:10]).offset == 10
    assert desk.send(upload, DATA[10:], 10).state == "received"
    assert desk.staging.path(upload.id).read_bytes() == DATA
    done = desk.complete(upload)
    assert (done.state, done.sha256) == ("received", hashlib.sha256(DATA).digest())
    assert desk.jobs() == ["uploads.complete", "recordings.register"]
    assert desk.tags(upload) == ["upload:create", "upload:complete"]
    assert desk.complete(upload).state == "received"
    assert desk.jobs() == ["uploads.complete", "recordings.register"]


def test_what_arrived_before_the_line_broke_is_kept(desk: Desk) -> None:
    upload = desk.create()
    broken = BytesSource(DATA[:7], fail=reasons.ConnectionLost())
    with pytest.raises(reasons.ConnectionLost):
        desk.send(upload, b"", source=broken, length=len(DATA))
    assert desk.receiver.offset(desk.officer, upload.id).offset == 7
    assert desk.send(upload, DATA[7:], 7).state == "received"
    assert desk.staging.path(upload.id).read_bytes() == DATA


def test_with_a_checksum_it_is_all_or_nothing(desk: Desk) -> None:
    upload = desk.create()
    wrong = Checksum("sha1", hashlib.sha1(b"else").digest())
    with pytest.raises(reasons.ChecksumMismatch):
        desk.send(upload, DATA, checksum=wrong)
    broken = BytesSource(DATA[:7], fail=reasons.ConnectionLost())
    right = Checksum("sha256", hashlib.sha256(DATA).digest())
    with pytest.raises(reasons.ConnectionLost):
        desk.send(upload, b"", source=broken, length=len(DATA), checksum=right)
    assert desk.row(upload).offset == 0
    assert desk.send(upload, DATA, checksum=right).state == "received"


def test_bytes_beyond_the_length_are_refused(desk: Desk) -> None:
    upload = desk.create()
    with pytest.raises(reasons.BodyTooLong):
        desk.send(upload, DATA + b"!")
    with pytest.raises(reasons.BodyTooLong):
        desk.send(upload, DATA + b"!", length=None)
    assert desk.row(upload).state in ("created", "receiving")
    assert desk.receiver.offset(desk.officer, upload.id).offset <= len(DATA)


def test_a_wrong_offset_changes_nothing(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA[:5])
    for offset in (0, 4, 6):
        with pytest.raises(reasons.WrongOffset):
            desk.send(upload, DATA[5:10], offset)
    assert desk.row(upload).offset == 5


def test_an_interrupted_block_is_hashed_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.uploads.service import completion

    for module in (completion, reception, staging):
        monkeypatch.setattr(module, "BLOCK_SIZE", 16)
        monkeypatch.setattr(module, "READ_SIZE", 8)
    upload = desk.create()
    desk.send(upload, DATA[:5])
    with desk.staging.path(upload.id).open("ab") as file:
        file.write(b"written, never acknowledged")
    desk.send(upload, DATA[5:20], 5)
    desk.send(upload, DATA[20:], 20)
    with desk.db.transaction() as session:
        query = select(UploadBlock.sha256).where(UploadBlock.upload_id == upload.id).order_by("ordinal")
        blocks = list(session.scalars(query))
    assert blocks == [hashlib.sha256(DATA[n : n + 16]).digest() for n in range(0, len(DATA), 16)]
    assert desk.complete(upload).sha256 == hashlib.sha256(DATA).digest()


def test_a_slow_disk_does_not_hold_the_line_up_but_for_so_much(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first block is made durable the next may come, and are acknowledged together; not without end."""
    monkeypatch.setattr(staging, "BLOCK_SIZE", 4)
    for name, size in (("BLOCK_SIZE", 4), ("READ_SIZE", 4), ("MOST_BEHIND", 16)):
        monkeypatch.setattr(reception, name, size)
    data = os.urandom(40)
    line = BytesSource(data)
    arrived, waited, behind = threading.Event(), [], []
    read_into = line.read_into

    def read(buffer: memoryview) -> int | None:
        if len(line.data) <= len(data) - 12:
            arrived.set()
        behind.append(len(data) - len(line.data) - desk.row(upload).offset)
        return read_into(buffer)

    monkeypatch.setattr(line, "read_into", read)
    monkeypatch.setattr(
        staging.StagedFile, "sync", lambda file: arrived.wait(10)
    )  # until sixteen bytes are there
    upload = desk.create(len(data))
    assert desk.send(upload, data, source=line).state == "received"
    assert waited == [True] * len(waited), "the line waited for the first four bytes to be durable"
    assert desk.staging.path(upload.id).read_bytes() == data
    assert max(behind) <= 16
    with desk.db.transaction() as session:
        assert len(queries.block_digests(session, upload.id)) == 10


def test_what_is_not_as_declared_is_rejected_and_audited(desk: Desk) -> None:
    upload = desk.create(sha256=hashlib.sha256(b"else").digest())
    desk.send(upload, DATA)
    done = desk.complete(upload)
    assert (done.state, done.reason_code) == ("rejected", "checksum_mismatch")
    assert desk.tags(upload)[-1] == "upload:reject"
    assert not desk.staging.path(upload.id).exists()
    assert desk.jobs() == ["uploads.complete"]


def test_bytes_damaged_while_they_waited_are_noticed(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA)
    desk.staging.path(upload.id).write_bytes(b"x" * len(DATA))
    assert desk.complete(upload).reason_code == "damaged_in_staging"


def test_a_digest_may_follow_until_the_last_byte(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA[:5])
    digest = hashlib.sha256(DATA).digest()
    with desk.db.transaction() as session:
        service.declare_digest(session, desk.officer, upload.id, digest)
    desk.send(upload, DATA[5:], 5)
    with desk.db.transaction() as session:
        service.declare_digest(session, desk.officer, upload.id, digest)
        with pytest.raises(reasons.AlreadyReceived):
            service.declare_digest(session, desk.officer, upload.id, b"\0" * 32)
    assert desk.tags(upload).count("upload:declare") == 1


def test_a_digest_of_what_the_force_holds_is_refused_and_of_what_others_hold_is_not(
    desk: Desk, vault: Vault
) -> None:
    digest = hashlib.sha256(b"held").digest()
    with desk.db.transaction() as session:
        make_recording(session, vault, data=b"held")  # another force's
    upload = desk.create()
    with desk.db.transaction() as session:
        service.declare_digest(session, desk.officer, upload.id, digest)
    with desk.db.transaction() as session:
        held = make_recording(session, vault, exercise=desk.exercise, data=b"held")
    for declared in (upload, desk.create()):  # one that said so before, too
        with desk.db.transaction() as session, pytest.raises(reasons.Duplicate) as refused:
            service.declare_digest(session, desk.officer, declared.id, digest)
        assert refused.value.extra == {"recording_id": str(held.id)}
    desk.receiver.terminate(desk.officer, upload.id)
    assert desk.tags(upload) == ["upload:create", "upload:declare", "upload:terminate"]


def test_a_digest_that_is_repeated_once_its_upload_is_a_recording_is_no_duplicate(
    desk: Desk, vault: Vault
) -> None:
    digest = hashlib.sha256(DATA).digest()
    upload = desk.create(sha256=digest)
    desk.send(upload, DATA)
    with desk.db.transaction() as session:
        make_recording(session, vault, exercise=desk.exercise, data=DATA)
        assert service.declare_digest(session, desk.officer, upload.id, digest).state == "received"


def test_quota_and_size_are_held(desk: Desk) -> None:
    desk.settings = replace(desk.settings, upload_quota_bytes=100, upload_max_bytes=60)
    with pytest.raises(reasons.UploadTooLarge):
        desk.create(length=61)
    with pytest.raises(reasons.EmptyUpload):
        desk.create(length=0)
    first = desk.create(length=60)
    with pytest.raises(reasons.QuotaExceeded):
        desk.create(length=41)
    desk.receiver.terminate(desk.officer, first.id)
    desk.create(length=60)


def test_another_force_sees_guesses_and_ends_nothing(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA[:5])
    with desk.db.transaction() as session:
        stranger = make_identity(session, Role.DATA_OFFICER)
        with pytest.raises(NotFound):
            service.get_upload(session, stranger, upload.id)
        with pytest.raises(NotFound):
            service.declare_digest(session, stranger, upload.id, b"\0" * 32)
        said = Declared(exercise_id=desk.exercise.id)
        with pytest.raises(NotFound):
            service.create_upload(session, stranger, desk.settings, length=5, declared=said)
        assert service.list_uploads(session, stranger).items == []
    for act in (
        lambda: desk.receiver.offset(stranger, upload.id),
        lambda: desk.receiver.terminate(stranger, upload.id),
        lambda: desk.receiver.receive(stranger, upload.id, offset=5, length=1, source=BytesSource(b"x")),
    ):
        with pytest.raises(NotFound) as refused:
            act()
        assert refused.type is Hidden  # and nothing more telling: it answers as NotFound does
    assert desk.row(upload).offset == 5


def test_a_closed_exercise_takes_no_upload(desk: Desk) -> None:
    with desk.db.transaction() as session:
        exercise = session.get(Exercise, desk.exercise.id)
        assert exercise is not None
        exercise.state = "closed"
    with pytest.raises(ExerciseClosed):
        desk.create()


def test_a_terminated_upload_is_gone_and_a_received_one_cannot_be_terminated(desk: Desk) -> None:
    upload, whole = desk.create(), desk.create()
    desk.send(upload, DATA[:5])
    desk.receiver.terminate(desk.officer, upload.id)
    assert not desk.staging.path(upload.id).exists()
    for act in (desk.receiver.offset, desk.receiver.terminate):
        with pytest.raises(reasons.UploadGone):
            act(desk.officer, upload.id)
    assert desk.tags(upload)[-1] == "upload:terminate"
    desk.send(whole, DATA)
    with pytest.raises(reasons.AlreadyReceived):
        desk.receiver.terminate(desk.officer, whole.id)


def test_expired_uploads_are_gone_and_swept(desk: Desk) -> None:
    upload, fresh = desk.create(), desk.create()
    desk.send(upload, DATA[:5])
    desk.send(fresh, DATA[:5])
    with desk.db.transaction() as session:
        row = session.get(Upload, upload.id)
        assert row is not None
        row.expires_at = now() - timedelta(seconds=1)
    with pytest.raises(reasons.UploadGone):
        desk.receiver.offset(desk.officer, upload.id)
    service.sweep(desk.db, desk.staging)
    swept = desk.row(upload)
    assert (swept.state, swept.reason_code) == ("rejected", "expired")
    assert desk.staging.listed() == [fresh.id]
    assert desk.tags(upload)[-1] == "upload:expire"


def test_lost_bytes_are_admitted(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA[:5])
    desk.staging.path(upload.id).unlink()
    with pytest.raises(reasons.StagingLost):
        desk.send(upload, DATA[5:], 5)
    assert desk.row(upload).reason_code == "staging_lost"


def test_a_received_upload_whose_job_failed_is_woken(desk: Desk) -> None:
    upload = desk.create()
    desk.send(upload, DATA)
    with desk.db.transaction() as session:
        row = session.get(Upload, upload.id)
        assert row is not None
        row.updated_at = now() - timedelta(hours=2)
    service.sweep(desk.db, desk.staging)
    service.sweep(desk.db, desk.staging)
    assert desk.jobs() == ["uploads.complete", "uploads.complete"]
    assert desk.staging.listed() == [upload.id]


def test_what_the_own_force_holds_is_refused_before_any_byte(desk: Desk, vault: Vault) -> None:
    digest = hashlib.sha256(DATA).digest()
    with desk.db.transaction() as session:
        held = make_recording(session, vault, exercise=session.get(Exercise, desk.exercise.id), data=DATA)
    tight = replace(desk.settings, upload_quota_bytes=0)  # a file that is there already needs no room
    said = Declared(exercise_id=desk.exercise.id, sha256=digest)
    with desk.db.transaction() as session, pytest.raises(reasons.Duplicate) as caught:
        service.create_upload(session, desk.officer, tight, length=len(DATA), declared=said)
    assert caught.value.extra == {"recording_id": str(held.id)}
    with desk.db.transaction() as session:
        again = session.get(Recording, held.id)
        assert again is not None
        again.state = "rejected"
    assert desk.create(sha256=digest).state == "created"


def test_what_another_force_holds_changes_nothing(desk: Desk, vault: Vault) -> None:
    digest = hashlib.sha256(DATA).digest()
    with desk.db.transaction() as session:
        make_recording(session, vault, data=DATA)
        force = desk.officer.organisation_id
        assert force is not None
        assert session.scalar(queries.live_recordings(force, digest)) is None
        for number in range(60):  # or any index serves as well
            make_recording(session, vault, data=b"%d" % number, exercise=desk.exercise)
        session.execute(text("ANALYZE recordings"))
        session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = queries.live_recordings(force, digest).compile(session.connection())
        plan = session.connection().exec_driver_sql(f"EXPLAIN {asked}", dict(asked.params))
        assert "ix_recordings_sha256" in "\n".join(plan.scalars())
    assert desk.create(sha256=digest).state == "created"


def test_an_infected_file_is_refused_and_removed(desk: Desk) -> None:
    class Finds:
        def engine(self) -> str:
            return "Finds"

        def look(self, read: Read, length: int, check: Check) -> Verdict:
            check()
            with read(0, length) as stream:
                return Verdict("Finds", "Bad" if stream.read() == DATA else None)

    upload = desk.create()
    desk.send(upload, DATA)
    service.complete(desk.db, desk.staging, upload.id, lambda: None, screens=[Finds()])
    done = desk.row(upload)
    assert (done.state, done.reason_code) == ("rejected", "infected")
    assert desk.staging.listed() == []
    assert desk.tags(upload)[-1] == "upload:infected"
    assert desk.jobs() == ["uploads.complete"]


def test_without_a_store_that_clients_reach_nothing_goes_straight_to_it(desk: Desk, vault: Vault) -> None:
    way = DirectUploads(desk.db, desk.settings, vault.store)
    with desk.db.transaction() as session, pytest.raises(reasons.DirectUnavailable):
        way.create(session, desk.officer, length=10, declared=Declared(exercise_id=desk.exercise.id))


def test_an_upload_goes_on_beyond_fifty_gigabytes(desk: Desk) -> None:
    """What came before is a hole in the file: bytes that nobody had to send, and no disk had to hold."""
    there, more = 800 * BLOCK_SIZE, b"the last bytes of a very long day"
    assert there > 50 * 10**9
    upload = desk.create(length=there + len(more))
    with desk.staging.hold(upload.id, insist=False) as file:
        file.resume(0)
        file.cut(there)  # which also makes it so long
    with desk.db.transaction() as session:
        session.get_one(Upload, upload.id).offset = there
    half = len(more) // 2
    assert desk.send(upload, more[:half], offset=there).offset == there + half
    done = desk.send(upload, more[half:], offset=there + half)
    assert (done.state, done.offset) == ("received", there + len(more))
    with desk.db.transaction() as session:
        blocks = queries.block_digests(session, upload.id)
    assert blocks[800] == hashlib.sha256(more).digest()
    with desk.staging.path(upload.id).open("rb") as staged:
        staged.seek(there)
        assert staged.read() == more


@pytest.mark.parametrize("checksum", [None, Checksum("sha256", hashlib.sha256(DATA).digest())])
def test_one_processor_is_left_to_all_other_requests(desk: Desk, checksum: Checksum | None) -> None:
    permits = max(1, len(os.sched_getaffinity(0)) - 1)
    upload = desk.create()
    sender = threading.Thread(target=desk.send, args=(upload, DATA), kwargs={"checksum": checksum})
    for _ in range(permits):
        assert reception.AT_WORK.acquire(timeout=1)
    try:
        sender.start()
        sender.join(0.3)
        assert sender.is_alive()
        assert desk.staging.path(upload.id).stat().st_size == 0
    finally:
        for _ in range(permits):
            reception.AT_WORK.release()
    sender.join(10)
    assert desk.row(upload).state == "received"
