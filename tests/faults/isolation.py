"""Two forces and two partners: every route that takes an id is called with the other's, and says nothing.

Routes come from the applications' own URL maps; one whose parameter has no object here fails the campaign, so that a
new route cannot be forgotten. A foreign id must be answered as one that nobody has, name nothing, and
change nothing; its owner must get through, or nothing would have been shown.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from app.accounts.models import Organisation
from app.annotation import service as annotation
from app.audit.models import AuditEvent
from app.authz.gate import access_of
from app.core.identity import Role
from app.factory import Surface, create_app
from app.recordings.models import Derivation, Recording
from app.releases import queries
from app.releases.models import Release
from app.releases.service import collections
from tests.factories.accounts import bearer, make_client, make_identity, make_organisation, make_person
from tests.factories.annotation import CONSENTED
from tests.factories.custody import review_recording
from tests.factories.exercises import make_exercise
from tests.factories.grants import make_agreement, open_grant, request_grant
from tests.factories.recordings import make_ready_recording
from tests.factories.redaction import make_redaction
from tests.factories.releases import make_stage
from tests.factories.uploads import make_upload
from tests.faults.outcome import Outcome
from tests.faults.site import Site, open_site

REFUSALS = (401, 403, 404)
WHEN_DECIDED = ("/receipt", "/certificate", "/original")
COMMON = {"kind": "proxy", "filename": "timestamp.json"}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
BODIES: dict[str, dict[str, Any]] = {
    "/api/v1/exercises/<uuid:exercise_id>": {"title": "taken over"},
    **{
        f"/api/v1/recordings/<uuid:recording_id>/{what}": {"reason": "not mine to decide"}
        for what in (
            *("sensitivity-review/revoke", "hold", "hold/lift", "erasure", "erasure/cancel"),
            *("incident", "incident/clear", "incident/move-out"),
        )
    },
    "/api/v1/recordings/<uuid:recording_id>/incident/moved-out": {"sha256": "00" * 32},
    "/api/v1/recordings/<uuid:recording_id>/retention": {"decision": "erase", "reason": "not mine"},
    "/api/v1/recordings/<uuid:recording_id>/sensitivity-review": {
        "training": True,
        "tactics": True,
        "people": "none_needed",
    },
    "/api/v1/assignments/<uuid:assignment_id>/incident": {"reason": "not mine to report"},
    "/api/v1/recordings/<uuid:recording_id>": {"notes": "taken over"},
    "/api/v1/recordings/<uuid:recording_id>/clips": {"seconds": 5},
    "/api/v1/recordings/<uuid:recording_id>/exports": {"rate": "25"},
    "/api/v1/uploads/direct/<uuid:upload_id>/parts": {"parts": [{"number": 1, "sha256": "00" * 32}]},
    "/api/v1/uploads/direct/<uuid:upload_id>/complete": {"sha256": "00" * 32},
    "/api/v1/recordings/<uuid:recording_id>/withdraw": {"reason": "not mine to withdraw"},
    "/api/v1/redactions/<uuid:redaction_id>/decide": {"decision": "accepted"},
    "/api/v1/redactions/<uuid:redaction_id>/regions": {
        "kind": "voice",
        "style": "mute",
        "start_frame": 0,
        "end_frame": 5,
    },
    "/api/v1/uploads/<uuid:upload_id>/digest": {"sha256": "00" * 32},
}


@dataclass(frozen=True)
class Tenant:
    """An organisation: how it presents itself, what it has by parameter name, and words that only it may read."""

    name: str
    headers: dict[str, str]
    objects: dict[str, str]
    words: tuple[str, ...]


def run(seed: int, sample: bool, folder: Path) -> Outcome:
    """Every route, both ways; the sample: a third of them, one way."""
    outcome, chance = Outcome(), random.Random(seed)
    with open_site(folder) as site:
        for surface, pair in (("staff", _forces(site)), ("partner", _partners(site))):
            app = create_app(site.settings, surface, database=site.database)
            for owner, stranger in (pair,) if sample else (pair, pair[::-1]):
                before = _state(site)
                _try_all(app, surface, owner, stranger, chance, outcome, of=3 if sample else 1)
                if _state(site) != before:
                    outcome.failures.append(f"{stranger.name} changed what {owner.name} has")
                _owner_gets_through(app, owner, outcome)
    return outcome


def _forces(site: Site) -> tuple[Tenant, Tenant]:
    stage = make_stage(site.database, site.settings, site.vault)
    release_id = stage.publish()
    with site.database.transaction() as session:
        release = session.get_one(Release, release_id)
        shared = {
            "release_id": str(release_id),
            "dataset_id": str(release.dataset_id),
            "version_id": str(release.dataset_version_id),
            "slug": stage.slug,
        }
        company = make_organisation(session, kind="partner")
        agreement = make_agreement(session, stage, company)
        shared |= {"agreement_id": str(agreement.id)}
        shared |= {"grant_id": str(request_grant(session, stage, agreement).id)}
        return _force(session, site, "one", shared), _force(session, site, "other", shared)


def _force(session: Session, site: Site, name: str, shared: dict[str, str]) -> Tenant:
    home = make_organisation(session, name=f"Constabulary of {name}")
    officer = make_person(
        session, roles=[Role.DATA_OFFICER], organisation=home, email=f"{name}@police.example"
    )
    exercise = make_exercise(session, organisation_id=home.id, title=f"Operation {name}", **CONSENTED)
    upload = make_upload(session, exercise=exercise, filename=f"{name}-half.mp4", created_by=officer.id)
    recording = make_ready_recording(
        session, site.vault, exercise=exercise, data=name.encode(), filename=f"{name}-whole.mp4"
    )
    redaction = make_redaction(session, recording)
    review_recording(session, recording)
    client, _ = make_client(session, person=officer)
    objects = {
        "exercise_id": exercise.id,
        "upload_id": upload.id,
        "recording_id": recording.id,
        "clip_id": recording.clips[0].id,
        "redaction_id": redaction.id,
        "region_id": redaction.regions[0].id,
        "person_id": officer.id,
        "client_id": client.id,
        "event_id": session.scalars(select(AuditEvent.id).limit(1)).one(),
        "assignment_id": _assignment(session, recording.id),
        "derivation_id": _derivation(session, recording),
    }
    words = (home.name, exercise.title, upload.filename, recording.filename, officer.email)
    return Tenant(home.name, bearer(session, officer), shared | _strings(objects), words)


def _assignment(session: Session, recording_id: UUID) -> UUID:
    annotation.open_tasks(session, recording_id)
    return annotation.take_next(session, make_identity(session, Role.ANNOTATOR)).id


def _derivation(session: Session, recording: Recording) -> UUID:
    made = Derivation(
        recording_id=recording.id,
        exercise_id=recording.exercise_id,
        organisation_id=recording.organisation_id,
        kind="cfr",
        parameters={"rate": "25"},
        state="failed",
    )
    session.add(made)
    session.flush()
    return made.id


def _partners(site: Site) -> tuple[Tenant, Tenant]:
    made = [_partner(site, number) for number in ("first", "second")]
    return made[0], made[1]


def _partner(site: Site, name: str) -> Tenant:
    """A company with a grant of a collection of its own."""
    stage = make_stage(site.database, site.settings, site.vault, slug=f"{name}-collection")
    release_id = stage.publish()
    with site.database.transaction() as session:
        company: Organisation = make_organisation(session, kind="partner", name=f"{name} limited")
        open_grant(session, stage, company)
        engineer = make_person(session, roles=[Role.PARTNER_ENGINEER], organisation=company)
        dataset = collections.dataset_of(session, stage.slug)
        objects = {"release_id": release_id, "dataset_id": dataset.id, "slug": stage.slug}
        target = next(t for t in queries.targets_of(session, release_id) if t.path.endswith("release.json"))
        objects["path"] = f"releases/{release_id}/{target.sha256.hex()}.release.json"
        return Tenant(
            company.name, bearer(session, engineer), _strings(objects), (company.name, engineer.email)
        )


def _strings(objects: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in objects.items()}


def _try_all(
    app: Flask,
    surface: Surface,
    owner: Tenant,
    stranger: Tenant,
    chance: random.Random,
    outcome: Outcome,
    *,
    of: int,
) -> None:
    """One in `of` operations, as chance has it."""
    client = app.test_client(use_cookies=False)
    for method, rule in _operations(app):
        if chance.randrange(of):
            continue
        line = f"{surface}: {method} {rule.rule} as {stranger.name}"
        missing = rule.arguments - owner.objects.keys() - COMMON.keys()
        if missing:
            outcome.failures.append(f"{line}: nothing here to put for {missing}: add it to the campaign")
            continue
        outcome.cases += 1
        foreign = _call(client, method, rule, stranger, owner.objects)
        nobodys = _call(client, method, rule, stranger, _random_ids(owner.objects, chance))
        outcome.count(str(foreign.status_code))
        if rule.arguments and foreign.status_code not in REFUSALS:
            outcome.failures.append(f"{line}: {foreign.status_code} {foreign.data[:200]!r}")
        if rule.arguments and _told(foreign) != _told(nobodys):
            outcome.failures.append(f"{line}: {_told(foreign)}, but {_told(nobodys)} where nobody has it")
        named = [word for word in owner.words if word.encode() in foreign.data]
        if rule.rule.endswith("/likely-joins") and foreign.status_code not in REFUSALS:
            outcome.failures.append(f"{line}: {foreign.status_code} for another's exercise")
        if not rule.arguments:
            named += [key for key in ("recording_id", "upload_id") if _names(foreign.data, owner, key)]
        outcome.failures += [f"{line}: the answer names {word}" for word in named]


def _names(body: bytes, owner: Tenant, key: str) -> bool:
    return key in owner.objects and owner.objects[key].encode() in body


def _operations(app: Flask) -> Iterator[tuple[str, Rule]]:
    """Every declared operation that is not open to all: those with ids, and lists."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            access = access_of(app, rule.endpoint, method)
            if access is not None and access.permission is not None and (rule.arguments or method == "GET"):
                yield method, rule


def _call(client: FlaskClient, method: str, rule: Rule, who: Tenant, objects: dict[str, str]) -> Any:
    built = rule.build({key: (COMMON | objects)[key] for key in rule.arguments})
    assert built is not None, rule.rule
    headers = who.headers | TUS | {"If-Match": '"1"', "Accept": "application/json"}
    if rule.rule == "/api/v1/uploads/<uuid:upload_id>" and method == "POST":
        headers |= {"X-HTTP-Method-Override": "HEAD"}
    if method == "PATCH" and "uploads" in rule.rule:
        kind = "application/offset+octet-stream"
        return client.open(built[1], method=method, headers=headers, data=b"0123456789", content_type=kind)
    asked = {"exercise": objects["exercise_id"]} if rule.rule.endswith("/likely-joins") else {}
    return client.open(
        built[1], method=method, headers=headers, json=BODIES.get(rule.rule, {}), query_string=asked
    )


def _random_ids(objects: dict[str, str], chance: random.Random) -> dict[str, str]:
    ids = {key: str(UUID(int=chance.getrandbits(128), version=4)) for key in objects if key.endswith("_id")}
    return objects | ids | ({"slug": "nobodys-collection"} if "slug" in objects else {})


def _told(answer: Any) -> tuple[int, str | None]:
    body = answer.get_json(silent=True)
    return answer.status_code, body.get("type") if isinstance(body, dict) else None


def _owner_gets_through(app: Flask, owner: Tenant, outcome: Outcome) -> None:
    """So that a refusal above is for the id, not because nothing works."""
    client = app.test_client(use_cookies=False)
    for method, rule in _operations(app):
        if method != "GET" or not rule.rule.startswith(
            ("/api/v1/exercises/", "/api/v1/recordings/", "/tuf/")
        ):
            continue
        status = _call(client, method, rule, owner, owner.objects).status_code
        if rule.rule.endswith(WHEN_DECIDED) and status in (404, 409):
            continue  # not for the id: nothing is erased, moved out or in the signed log here
        if status not in (200, 206):
            outcome.failures.append(f"{rule.rule} answers its owner {owner.name} {status}")


def _state(site: Site) -> dict[str, list[Any]]:
    tables = (
        "exercises",
        "uploads",
        "recordings",
        "redactions",
        "redaction_regions",
        "assignments",
        "sensitivity_reviews",
        "legal_holds",
        "retention_reviews",
        "incidents",
        "erasures",
        "derivations",
        "clips",
        "renditions",
        "upload_blocks",
        "releases",
        "grants",
        "agreements",
        "people",
    )
    with site.database.transaction() as session:
        return {
            table: sorted(str(row) for row in session.execute(text(f"SELECT * FROM {table}")))
            for table in tables
        }
