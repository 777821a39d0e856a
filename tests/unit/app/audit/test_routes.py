"""The log over HTTP: who may ask, what is answered, and that its public part names nobody."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.events import Tag
from app.audit.models import AuditEvent
from app.audit.routes import blp, log_blp
from app.audit.service import append
from app.authz.gate import check_gate, install_gate
from app.core import http
from app.core.db import Database
from app.core.identity import ANONYMOUS, Identity
from app.core.ids import new_id
from app.core.openapi import CordonApi
from app.proofs.checkpoint import open_checkpoint
from app.proofs.merkle import root_hash, verify_consistency
from app.proofs.note import NoteSigner, b64decode
from app.proofs.tlog_proof import verify_bundle

Fill = Callable[..., list[UUID]]


class Caller:
    """Who the next request comes from."""

    identity: Identity = ANONYMOUS


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
def client(db: Database, caller: Caller) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    app.config.update(API_TITLE="log", API_VERSION="v1", OPENAPI_VERSION="3.1.0")
    http.provide(app, Database, db)
    http.init_app(app)
    install_gate(app, lambda: caller.identity)
    api = CordonApi(app)
    api.register_blueprint(blp)
    api.register_blueprint(log_blp)
    check_gate(app)
    return app.test_client()


def test_only_an_auditor_reads_entries(
    client: FlaskClient, caller: Caller, fill: Fill, officer: Identity, auditor: Identity
) -> None:
    event = fill(1)[0]
    collections = ["/api/v1/audit/events", "/api/v1/audit/consistency?from=0&to=1"]
    objects = [f"/api/v1/audit/events/{event}", f"/api/v1/audit/events/{event}/proof"]
    for identity, of_collection, of_object in (
        (ANONYMOUS, 401, 401),
        (officer, 403, 404),
        (auditor, 200, 200),
    ):
        caller.identity = identity
        assert [client.get(path).status_code for path in collections] == [of_collection] * 2
        assert [client.get(path).status_code for path in objects] == [of_object] * 2


def test_entries_are_listed_by_filter_and_page(
    client: FlaskClient, caller: Caller, fill: Fill, auditor: Identity, officer: Identity, db: Database
) -> None:
    ids, caller.identity = fill(3), auditor
    with db.transaction() as session:
        append(session, officer, Tag.SIGN_OUT)
    query = {
        "tag": "upload:complete",
        "limit": "2",
        "actor_id": str(officer.id),
        "since": "2020-01-01T00:00:00Z",
    }
    first = client.get("/api/v1/audit/events", query_string=query)
    assert first.json is not None
    assert [item["id"] for item in first.json["items"]] == [str(ids[2]), str(ids[1])]
    item = first.json["items"][0]
    assert item["actor"] == {
        "kind": "person",
        "id": str(officer.id),
        "label": "Jo Officer",
        "person_id": None,
    }
    assert (item["leaf_index"], item["verb"], item["subject"]["kind"]) == (2, "collection", "upload")
    second = client.get("/api/v1/audit/events", query_string={**query, "cursor": first.json["next_cursor"]})
    assert second.json is not None
    assert [item["id"] for item in second.json["items"]] == [str(ids[0])]
    assert second.json["next_cursor"] is None
    newest = client.get("/api/v1/audit/events?limit=1").json
    assert newest is not None
    assert newest["items"][0]["leaf_index"] is None


@pytest.mark.parametrize("query", ["tag=nonsense", "limit=0", "since=yesterday", "actor_id=1", "cursor=%00"])
def test_a_malformed_question_is_refused(
    client: FlaskClient, caller: Caller, auditor: Identity, query: str
) -> None:
    caller.identity = auditor
    answer = client.get(f"/api/v1/audit/events?{query}")
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


def test_a_proof_can_be_downloaded_and_checked(
    client: FlaskClient, caller: Caller, fill: Fill, auditor: Identity, signer: NoteSigner
) -> None:
    event, caller.identity = fill(2, 3)[3], auditor
    answer = client.get(f"/api/v1/audit/events/{event}/proof")
    assert f"{event}.tlog-proof" in answer.headers["Content-Disposition"]
    assert verify_bundle(answer.text, signer.verifier).entry["id"] == str(event)
    assert client.get(f"/api/v1/audit/events/{new_id()}/proof").status_code == 404


def test_a_proof_that_is_not_ready_says_so(
    client: FlaskClient, caller: Caller, auditor: Identity, db: Database
) -> None:
    caller.identity = auditor
    with db.transaction() as session:
        event = append(session, auditor, Tag.SIGN_OUT).id
    answer = client.get(f"/api/v1/audit/events/{event}/proof")
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["type"].endswith("/not-yet-provable")


def test_consistency_can_be_checked(
    client: FlaskClient, caller: Caller, fill: Fill, auditor: Identity
) -> None:
    fill(3, 4)
    caller.identity = auditor
    body = client.get("/api/v1/audit/consistency?from=3&to=7").json
    assert body is not None
    old, new = b64decode(body["from_root"]), b64decode(body["to_root"])
    verify_consistency(body["from"], body["to"], old, new, [b64decode(item) for item in body["path"]])
    assert client.get("/api/v1/audit/consistency?from=7&to=8").status_code == 422
    assert client.get("/api/v1/audit/consistency?from=-1&to=2").status_code == 422
    assert client.get("/api/v1/audit/consistency?from=1").status_code == 422


def test_anyone_rebuilds_the_signed_root_from_the_public_tiles(
    client: FlaskClient, fill: Fill, signer: NoteSigner, db: Database, officer: Identity
) -> None:
    assert client.get("/log/checkpoint").status_code == 503
    fill(260)
    answer = client.get("/log/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8"
    head = open_checkpoint(answer.text, signer.verifier)
    tiles = [client.get(f"/log/tile/{place}") for place in ("0/000", "0/001.p/4")]
    assert {tile.content_type for tile in tiles} == {"application/octet-stream"}
    assert "immutable" in tiles[0].headers["Cache-Control"]
    hashes = b"".join(tile.data for tile in tiles)
    assert root_hash([hashes[start : start + 32] for start in range(0, len(hashes), 32)]) == head.root
    for private in (officer.label, str(officer.id), "upload"):
        assert private.encode() not in answer.data + hashes
    with db.transaction() as session:
        assert len(list(session.scalars(select(AuditEvent.id)))) == 260


@pytest.mark.parametrize(
    "place", ["0/001", "0/001.p/5", "0/002", "9/000", "entries/000", "0/0", "../x", "0/000.p/0"]
)
def test_a_tile_that_is_not_there_is_not_found(client: FlaskClient, fill: Fill, place: str) -> None:
    fill(260)
    assert client.get(f"/log/tile/{place}").status_code == 404
