"""Two forces at the upload API: whatever one sends to the other's uploads is answered as if they did not exist."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from werkzeug.routing import Rule

from app.core.db import Database
from app.core.identity import Role
from app.factory import create_app
from app.settings import Settings
from app.uploads.service import Receiver, Staging
from tests.factories.accounts import bearer, identity_of, make_person
from tests.factories.exercises import make_exercise
from tests.factories.uploads import BytesSource, make_upload

KINDS = ("created", "receiving", "unknown length", "part", "unfinished part", "received")
_METHODS = ("HEAD", "PATCH", "DELETE", "POST", "GET")
_headers = st.fixed_dictionaries(
    {"Tus-Resumable": st.sampled_from(["1.0.0", "1.0.0", "0.2.2"])},
    optional={
        "Upload-Offset": st.sampled_from(["0", "4", "10", "x"]),
        "Upload-Length": st.sampled_from(["4", "10", "11"]),
        "Upload-Defer-Length": st.just("1"),
        "Upload-Checksum": st.sampled_from(["crc32 AAAAAA==", "md5 AAAA"]),
        "X-HTTP-Method-Override": st.sampled_from(["PATCH", "HEAD", "DELETE", "PUT"]),
        "Content-Type": st.sampled_from(["application/offset+octet-stream", "application/json"]),
    },
)
_bodies = st.sampled_from([b"", b"0123", b"456789", b'{"sha256": "' + b"00" * 32 + b'"}'])


@dataclass
class Two:
    """The owner's uploads by kind, and the stranger's way of calling."""

    client: FlaskClient
    database: Database
    stranger: dict[str, str]
    own_exercise: str
    uploads: dict[str, str]
    rules: list[Rule]

    def call(self, method: str, path: str, headers: dict[str, str], data: bytes) -> tuple[int, Any, set[str]]:
        """What can be told from the answer: its status, its problem, its headers' names."""
        answer = self.client.open(path, method=method, headers=headers | self.stranger, data=data)
        problem = answer.get_json(silent=True) or {}
        said = {name: problem.get(name) for name in ("type", "title", "detail", "errors")}
        return answer.status_code, said, set(answer.headers.keys())

    def state(self) -> list[Any]:
        """Everything that is known of the owner's uploads; that somebody reached for them is logged all the same."""
        with self.database.transaction() as session:
            tables = ("uploads", "upload_blocks", "upload_writers", "procrastinate_jobs")
            sources = [*tables, "audit_events WHERE tag <> 'access:denied'"]
            return [sorted(map(str, session.execute(text(f"SELECT * FROM {one}")))) for one in sources]


@pytest.fixture
def two(database: Database, settings: Settings) -> Two:
    with database.transaction() as session:
        owner = make_person(session, roles=[Role.DATA_OFFICER])
        other = make_person(session, roles=[Role.DATA_OFFICER])
        stranger = bearer(session, other)
        own = make_exercise(session, organisation_id=other.organisation_id).id
        exercise = make_exercise(session, organisation_id=owner.organisation_id)
        rows = {
            name: make_upload(
                session,
                exercise=exercise,
                length=None if name == "unknown length" else 10,
                kind="partial" if "part" in name else "whole",
            )
            for name in KINDS
        }
        identity = identity_of(owner)
    receiver = Receiver(database, settings, Staging(settings.uploads_dir))
    for name, row in rows.items():
        data = {"created": b"", "part": b"0123456789", "received": b"0123456789"}.get(name, b"0123")
        receiver.receive(identity, row.id, offset=0, length=len(data), source=BytesSource(data))
    app = create_app(settings, "staff", database=database)
    rules = [rule for rule in app.url_map.iter_rules() if _of_one(rule)]
    client = app.test_client(use_cookies=False)
    ids = {name: str(row.id) for name, row in rows.items()}
    return Two(client, database, stranger, str(own), ids, rules)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    method=st.sampled_from(_METHODS),
    headers=_headers,
    body=_bodies,
    data=st.data(),
)
def test_nothing_sent_to_anothers_upload_tells_or_changes_anything(
    two: Two, kind: str, method: str, headers: dict[str, str], body: bytes, data: st.DataObject
) -> None:
    rule = data.draw(st.sampled_from(two.rules))
    before = two.state()
    paths = [_path(rule, upload) for upload in (two.uploads[kind], str(uuid4()))]
    told = [two.call(method, path, headers, body) for path in paths]
    assert told[0] == told[1]
    assert told[0][0] >= 400
    assert two.state() == before


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True),
    whole_address=st.booleans(),
    sha256=st.booleans(),
)
def test_another_forces_parts_cannot_be_joined(
    two: Two, kinds: list[str], whole_address: bool, sha256: bool
) -> None:
    said = {"exercise": two.own_exercise, "filename": "mine.mp4"} | ({"sha256": "00" * 32} if sha256 else {})
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    before, told = two.state(), []
    for ids in ([two.uploads[kind] for kind in kinds], [str(uuid4()) for _ in kinds]):
        host = "http://localhost" if whole_address else ""
        parts = " ".join(f"{host}/api/v1/uploads/{one}" for one in ids)
        headers = {"Tus-Resumable": "1.0.0", "Upload-Metadata": metadata, "Upload-Concat": f"final;{parts}"}
        told.append(two.call("POST", "/api/v1/uploads", headers, b""))
    assert told[0] == told[1]
    assert told[0][0] == 404
    assert two.state() == before


def _of_one(rule: Rule) -> bool:
    return rule.rule.startswith("/api/v1/uploads/") and "upload_id" in rule.arguments


def _path(rule: Rule, upload: str) -> str:
    return rule.rule.replace("<uuid:upload_id>", upload)
