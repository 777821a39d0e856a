"""A surface with a door for tests to sign in by, and what a person has in their pocket."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from flask import Flask, request
from flask.testing import FlaskClient
from passlib.totp import TOTP

from app.accounts.identity_loader import begin_session, csrf_token, end_session
from app.authz.gate import public
from app.core.db import Database
from app.factory import create_app
from app.settings import Settings

PASSWORD = "four quiet otters swim"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STEP, MARGIN = 30, 3  # seconds
PROBLEM = "https://cordon.example/problems/"


def build(settings: Settings, surface: Any, database: Database) -> Flask:
    app = create_app(settings, surface, database=database)

    @app.post("/test/session")
    @public("stands for the sign-in page")
    def enter() -> dict[str, str]:
        begin_session(**request.get_json())
        return {"csrf": csrf_token()}

    @app.post("/test/session/end")
    @public("stands for the sign-out page")
    def leave() -> dict[str, str]:
        end_session()
        return {}

    return app


class Pocket:
    """A person's authenticator: each code shown once."""

    def __init__(self, seed: str) -> None:
        self._totp = TOTP(key=seed, format="base32")
        self._step = 0

    def code(self) -> str:
        # The oldest code that is still taken comes first, so that three fit into one half minute. At its very end it
        # would be too old by the time it is looked at.
        left = STEP - time.time() % STEP
        if left < MARGIN:
            time.sleep(left)
        self._step = max(self._step + 1, int(time.time()) // STEP - 1)
        return str(self._totp.generate(self._step * STEP).token)


def activated(
    api: FlaskClient, admin: dict[str, str], organisation_id: UUID, email: str, role: str = "data_officer"
) -> dict[str, Any]:
    """Someone whom an administrator (`admin`: headers) makes and who activates over HTTP."""
    body = {"email": email, "name": "Kim", "organisation_id": str(organisation_id), "roles": [role]}
    made = api.post("/api/v1/people", headers=admin, json=body)
    assert made.status_code == 201, made.json
    given = {"email": email, "code": made.json["activation_code"], "password": PASSWORD}
    setup = api.post("/api/v1/activation", json=given)
    assert setup.status_code == 200, setup.json
    pocket = Pocket(setup.json["totp_secret"])
    assert api.post("/api/v1/activation/confirm", json=given | {"totp": pocket.code()}).status_code == 204
    return {"id": made.json["id"], "email": email, "pocket": pocket, "code": given["code"]}


def sign_in(app: Flask, officer: dict[str, Any], **changed: str) -> tuple[FlaskClient, Any]:
    client = app.test_client()
    body = {"email": officer["email"], "password": PASSWORD, "totp_code": officer["pocket"].code()} | changed
    return client, client.post("/test/session", json=body)


def slug(answer: Any) -> str:
    assert answer.content_type == "application/problem+json", answer.data
    return str(answer.json["type"]).removeprefix(PROBLEM)
