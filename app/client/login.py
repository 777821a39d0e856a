"""`cordon login`: gives a person a command line of their own. Password and code are used once and kept nowhere.

A fresh key is made here; the service learns its public half and knows the command line by it from then on.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import requests

from app.client.credentials import CREDENTIALS_VARIABLE, DEFAULT_FILE
from app.client.errors import ClientError
from app.client.keyfile import new_key
from app.client.network import authorities
from app.client.problems import problem_error, unreachable
from app.client.terminal import ca_option, json_option, one_line_errors, print_json

PASSWORD_VARIABLE = "CORDON_PASSWORD"  # noqa: S105 - the name of a variable
TOTP_VARIABLE = "CORDON_TOTP"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TIMEOUT = (10, 60)


@click.command("login")
@click.option("--server", required=True, help="The service's address, https.")
@click.option("--email", prompt="E-mail", help="The address that you sign in with.")
@click.option(
    "--name", default=socket.gethostname, help="What to call this command line.  [default: host name]"
)
@click.option(
    "--credentials",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Where to write them; else ${CREDENTIALS_VARIABLE}, else {DEFAULT_FILE}.",
)
@click.option("--replace", is_flag=True, help="Replace credentials that are there.")
@ca_option
@json_option
@one_line_errors
def login(
    server: str,
    email: str,
    name: str,
    credentials: Path | None,
    replace: bool,
    ca: Path | None,
    as_json: bool,
) -> None:
    """Let this machine act for you: asks for your password and six-digit code once.

    Scripts set CORDON_PASSWORD and CORDON_TOTP instead. What --ca names is kept with the credentials.

    \b
    Example: cordon login --server https://cordon.example --email kim@force.example
    """
    path = (credentials or Path(os.environ.get(CREDENTIALS_VARIABLE) or DEFAULT_FILE)).expanduser().absolute()
    if path.exists() and not replace:
        raise ClientError(f"{path} is there already: give --replace, or another --credentials")
    password = _secret(PASSWORD_VARIABLE, "Password")
    code = _secret(TOTP_VARIABLE, "Six-digit code")
    client_id = enrol(server, path, email=email, name=name, password=password, totp=code, ca=ca)
    if as_json:
        print_json({"client_id": client_id, "credentials": str(path)})
    else:
        click.echo(f"This machine may now act for {email}; its credentials are in {path}")


def enrol(
    server: str, path: Path, *, email: str, name: str, password: str, totp: str, ca: Path | None = None
) -> str:
    """Makes a key beside `path`, registers it, and writes the credentials file; returns the client id.

    Raises ClientError; nothing is left behind then.
    """
    server = _address(server)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_path = path.with_name(f"{path.stem}-{secrets.token_hex(4)}.pem")
    public_path = key_path.with_name(f"{key_path.name}.pub")
    body = {"email": email, "password": password, "totp": totp, "name": name[:200]}
    try:
        body["public_key_pem"] = new_key(key_path, None).pem
        client_id = _register(server, body, authorities(ca))
        document = {"server": server, "client_id": client_id, "private_key": key_path.name}
        _write(path, document | ({"ca": str(ca.absolute())} if ca else {}))
    except BaseException:
        key_path.unlink(missing_ok=True)
        raise
    finally:
        public_path.unlink(missing_ok=True)
    return client_id


def _register(server: str, body: dict[str, str], verify: str | bool) -> str:
    try:
        address = f"{server}/api/v1/me/clients/enrol"
        response = requests.post(address, json=body, timeout=_TIMEOUT, verify=verify)
    except requests.RequestException as error:
        raise unreachable(server, error) from error
    if not response.ok:
        raise problem_error(response)
    try:
        return str(response.json()["client_id"])
    except (ValueError, KeyError, TypeError):
        raise ClientError(
            f"{server} did not answer as a Cordon service does: is it the right address?"
        ) from None


def _write(path: Path, document: dict[str, str]) -> None:
    """In one step and 0600 from the start: a reader sees the old file or the new one."""
    staging = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
    except OSError as error:
        raise ClientError(f"{path} cannot be written: {error.strerror}") from error


def _secret(variable: str, prompt: str) -> str:
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        raise ClientError(f"no terminal to ask for it: set {variable}")
    return str(click.prompt(prompt, hide_input=True, err=True))


def _address(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ClientError(f"{server!r} is not an http(s) address")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ClientError(f"{server!r} leaves this machine, so it must be https")
    return server.rstrip("/")
