"""Appending, listing and proving; the database itself refuses to rewrite the log."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.audit import service
from app.audit.events import Tag, Verb
from app.audit.models import AuditEvent
from app.audit.queries import EventFilter
from app.audit.sequencer import integrate
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from app.core.identity import SYSTEM, Identity, OrganisationKind
from app.core.ids import new_id
from app.core.pagination import Page
from app.proofs.checkpoint import open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.merkle import root_hash, verify_consistency
from app.proofs.note import NoteSigner
from app.proofs.tlog_proof import verify_bundle

Fill = Callable[..., list[UUID]]


def test_every_tag_has_a_verb_and_a_name_of_its_own() -> None:
    assert all(tag.value.count(":") == 1 and isinstance(tag.verb, Verb) for tag in Tag)
    assert Tag("upload:complete") is Tag.UPLOAD_COMPLETE
    assert {tag.verb for tag in Tag} == set(Verb)


def test_an_event_is_in_the_log_exactly_when_its_transaction_commits(db: Database, officer: Identity) -> None:
    with db.transaction() as session:
        kept = service.append(session, officer, Tag.EXERCISE_CREATE)
    with db.transaction() as session:
        service.append(session, officer, Tag.UPLOAD_CREATE)
        session.flush()
        session.rollback()
    with db.transaction() as session:
        assert list(session.scalars(select(AuditEvent.id))) == [kept.id]


def test_an_event_carries_who_what_why_and_for_whom(db: Database, officer: Identity) -> None:
    subject, force = ("recording", new_id()), new_id()
    with db.transaction() as session:
        mine = service.append(session, officer, Tag.RECORDING_VIEWED, subject=subject, purpose="review").id
        job = service.append(session, SYSTEM, Tag.RECORDING_READY, subject=subject, organisation_id=force).id
    with db.transaction() as session:
        event, other = session.get_one(AuditEvent, mine), session.get_one(AuditEvent, job)
        assert (event.tag, event.verb, event.purpose) == ("recording:viewed", "consultation", "review")
        assert (event.actor_id, event.actor_label, event.request_id) == (
            officer.id,
            "Jo Officer",
            "req-12345678",
        )
        assert (event.subject_kind, event.subject_id) == subject
        assert event.organisation_id == officer.organisation_id
        assert (other.actor_kind, other.organisation_id) == ("system", force)


def test_details_without_a_canonical_form_are_refused(db: Database, officer: Identity) -> None:
    with db.transaction() as session, pytest.raises(ProofError, match="float"):
        service.append(session, officer, Tag.UPLOAD_CREATE, details={"seconds": 1.5})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor_label = 'someone else'",
        "UPDATE audit_events SET leaf_index = leaf_index + 1",
        "UPDATE audit_events SET leaf_index = NULL",
        "UPDATE audit_events SET leaf_index = 7, purpose = 'x' WHERE leaf_index IS NULL",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "UPDATE audit_tiles SET hashes = decode(repeat('00', 64), 'hex')",
        "UPDATE audit_tiles SET hashes = substring(hashes FROM 1 FOR 32)",
        "UPDATE audit_tiles SET tile_index = 5",
        "DELETE FROM audit_tiles",
        "UPDATE audit_checkpoints SET note = ''",
        "DELETE FROM audit_checkpoints",
        "TRUNCATE audit_checkpoints",
        """INSERT INTO audit_events SELECT (jsonb_populate_record(e,
           jsonb_build_object('id', gen_random_uuid(), 'leaf_index', 99))).* FROM audit_events e LIMIT 1""",
    ],
)
def test_the_database_refuses_to_rewrite_the_log(
    db: Database, fill: Fill, officer: Identity, statement: str
) -> None:
    fill(2)
    with db.transaction() as session:
        service.append(session, officer, Tag.SIGN_OUT)
    with pytest.raises(IntegrityError, match="append-only"), db.transaction() as session:
        session.execute(text(statement))


def test_every_entry_is_provable_offline(db: Database, fill: Fill, signer: NoteSigner) -> None:
    ids = fill(3, 1, 300)
    with db.transaction() as session:
        for position in (0, 3, 4, 255, 256, 303):
            proven = verify_bundle(service.prove(session, ids[position]).serialise(), signer.verifier)
            assert (proven.entry["id"], proven.index) == (str(ids[position]), position)
            assert proven.entry["details"] == {
                "bytes": position if position < 3 else max(0, position - 4),
                "name": "caméra.mp4",
                "parts": [1, {"a": None}],
            }


def test_an_entry_is_provable_once_it_is_integrated(
    db: Database, officer: Identity, signer: NoteSigner
) -> None:
    with db.transaction() as session:
        event = service.append(session, officer, Tag.SIGN_OUT)
        session.flush()
        with pytest.raises(service.NotYetProvable):
            service.prove(session, event.id)
    with db.transaction() as session:
        with pytest.raises(NotFound):
            service.prove(session, new_id())
        with pytest.raises(Unavailable):
            service.checkpoint_note(session)
        integrate(session, signer)
    with db.transaction() as session:
        verify_bundle(service.prove(session, event.id), signer.verifier)


def test_consistency_holds_between_all_checkpoints(db: Database, fill: Fill) -> None:
    fill(1, 2, 5, 250, 10)
    sizes = [0, 1, 3, 8, 258, 268]
    with db.transaction() as session:
        leaves = list(session.scalars(select(AuditEvent.leaf_hash).order_by(AuditEvent.leaf_index)))
        for old, new in ((a, b) for a in sizes for b in sizes if a <= b):
            proof = service.consistency(session, old, new)
            assert (proof.old_root, proof.new_root) == (root_hash(leaves[:old]), root_hash(leaves[:new]))
            verify_consistency(old, new, proof.old_root, proof.new_root, proof.path)
        for old, new in ((-1, 1), (2, 1), (0, 269)):
            with pytest.raises(InvalidRequest):
                service.consistency(session, old, new)


def test_tiles_are_served_as_wide_as_asked_and_no_wider(db: Database, fill: Fill, signer: NoteSigner) -> None:
    fill(257)
    with db.transaction() as session:
        leaves = list(session.scalars(select(AuditEvent.leaf_hash).order_by(AuditEvent.leaf_index)))
        assert service.tile(session, 0, 0, 256) == b"".join(leaves[:256])
        assert service.tile(session, 0, 0, 3) == b"".join(leaves[:3])
        assert service.tile(session, 1, 0, 1) == root_hash(leaves[:256])
        for level, index, width in ((0, 1, 2), (0, 1, 256), (0, 2, 1), (1, 0, 2), (63, 10**12, 1)):
            with pytest.raises(NotFound):
                service.tile(session, level, index, width)
        head = open_checkpoint(service.checkpoint_note(session), signer.verifier)
        assert (head.size, head.root) == (257, root_hash(leaves))


def test_lists_are_filtered_and_paged(db: Database, officer: Identity, auditor: Identity) -> None:
    subject = ("recording", new_id())
    with db.transaction() as session:
        viewed = [
            service.append(session, officer, Tag.RECORDING_VIEWED, subject=subject).id for _ in range(5)
        ]
        other = service.append(session, SYSTEM, Tag.RECORDING_READY, subject=("recording", new_id())).id
    with db.transaction() as session:

        def ids(
            cursor: str | None = None, limit: int = 50, **wanted: object
        ) -> tuple[list[UUID], str | None]:
            chosen = EventFilter(**wanted)  # type: ignore[arg-type]
            page: Page[AuditEvent] = service.list_events(session, auditor, chosen, cursor=cursor, limit=limit)
            return [event.id for event in page.items], page.next_cursor

        newest = [other, *reversed(viewed)]
        assert ids() == (newest, None)
        first, cursor = ids(limit=4)
        assert first + ids(cursor=cursor)[0] == newest
        assert ids(tag="recording:ready")[0] == [other]
        assert ids(verb="consultation")[0] == newest[1:]
        assert ids(subject_kind="recording", subject_id=subject[1])[0] == newest[1:]
        assert ids(actor_id=officer.id)[0] == newest[1:]
        assert ids(organisation_id=officer.organisation_id)[0] == newest[1:]
        assert ids(since=now() - timedelta(hours=1))[0] == newest
        assert ids(since=now())[0] == []
        assert ids(until=now() - timedelta(hours=1))[0] == []


def test_an_auditor_outside_the_operator_sees_its_own_organisation_only(
    db: Database, officer: Identity, auditor: Identity
) -> None:
    of_the_force = replace(
        auditor, organisation_id=officer.organisation_id, organisation_kind=OrganisationKind.FORCE
    )
    with db.transaction() as session:
        own = service.append(session, officer, Tag.UPLOAD_CREATE).id
        foreign = service.append(session, SYSTEM, Tag.UPLOAD_CREATE, organisation_id=new_id()).id
    with db.transaction() as session:
        page = service.list_events(session, of_the_force, EventFilter())
        assert [event.id for event in page.items] == [own]
        assert service.get_event(session, of_the_force, own).id == own
        assert service.get_event(session, auditor, foreign).id == foreign
        with pytest.raises(NotFound):
            service.prove_event(session, of_the_force, foreign)
        with pytest.raises(Forbidden):
            service.list_events(session, officer, EventFilter())
        assert session.scalar(select(func.count(AuditEvent.id))) == 2
