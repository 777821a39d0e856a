"""The people of the journey: each opens an account over HTTP and lets a command line act for them."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from api import Api, activate, totp
from service import Commands, Service


@dataclass(frozen=True)
class Actor:
    """One person: where their credentials lie, and their way to the API."""

    email: str
    folder: Path
    credentials: Path
    api: Api


@dataclass(frozen=True)
class Organisations:
    """Ids of the organisations in the play."""

    operator: str
    force: str
    partner: str


class Cast:
    """Brings people in: an administrator adds them, then each activates and logs in alone."""

    def __init__(self, commands: Commands, service: Service, folder: Path) -> None:
        self.commands = commands
        self.service = service
        self.folder = folder

    def enter(self, email: str, code: str) -> Actor:
        """Activates the account and runs `cordon login` for it."""
        password = "-".join(secrets.token_hex(3) for _ in range(4))
        secret = activate(self.service.staff, email, code, password)
        folder = self.folder / email.split("@", maxsplit=1)[0]
        folder.mkdir(parents=True, mode=0o700)
        credentials = folder / "credentials.json"
        self.commands.run(
            "login",
            "--server",
            self.service.staff,
            "--email",
            email,
            "--credentials",
            credentials,
            CORDON_PASSWORD=password,
            CORDON_TOTP=totp(secret),
        )
        (folder / "sign-in.json").write_text(
            json.dumps({"email": email, "password": password, "totp_secret": secret})
        )
        (folder / "sign-in.json").chmod(0o600)
        return Actor(email, folder, credentials, Api(credentials))

    def invite(self, administrator: Actor, organisation_id: str, email: str, name: str, *roles: str) -> Actor:
        """The administrator adds a person, who then enters."""
        body = {"email": email, "name": name, "organisation_id": organisation_id, "roles": list(roles)}
        added = administrator.api.post("/api/v1/people", body)
        return self.enter(email, added["activation_code"])

    def machine(self, administrator: Actor, organisation_id: str, name: str, role: str, server: str) -> Path:
        """A machine client with a key of its own; returns its credentials file."""
        folder = self.folder / name
        folder.mkdir(parents=True, mode=0o700)
        self.commands.run("keys", "new", "--machine", "--out", folder / "client.pem")
        body = {
            "organisation_id": organisation_id,
            "name": name,
            "roles": [role],
            "public_key_pem": (folder / "client.pem.pub").read_text(),
        }
        client = administrator.api.post("/api/v1/clients", body)
        credentials = folder / "credentials.json"
        document = {"server": server, "client_id": client["client_id"], "private_key": "client.pem"}
        credentials.write_text(json.dumps(document))
        credentials.chmod(0o600)
        return credentials
