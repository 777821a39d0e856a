"""`cordon keys register`: tells the service an approver's public key, and proves that its private half is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from securesystemslib.signer import Signer

from app.client import keyfile
from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.terminal import (
    ask_passphrase,
    connect,
    credentials_option,
    json_option,
    one_line_errors,
    print_json,
)


@click.command("register")
@click.option("--key", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@credentials_option
@json_option
@one_line_errors
def register(key: Path, credentials: Path | None, as_json: bool) -> None:
    """Register the public half of your signing key. The private half stays here.

    \b
    Example: cordon keys register --key approver.pem
    """
    signer = keyfile.open_key(key, ask_passphrase("Passphrase of your key"))
    answer = register_key(connect(credentials), signer)
    if as_json:
        print_json(answer)
    else:
        click.echo(f"Registered. Your key's fingerprint: {answer['keyid']}")


def register_key(session: ApiSession, signer: Signer) -> dict[str, Any]:
    """Registers the signer's key for the person behind the session; the service's answer. Raises ClientError."""
    person_id = session.get_json("/api/v1/me").get("person_id")
    if not person_id:
        raise ClientError("these credentials are a machine's: log in as a person with 'cordon login'")
    public = signer.public_key
    # the challenge of app.accounts.service.signing_keys: ties the key to this person
    proof = signer.sign(f"cordon signing key\n{person_id}\n{public.keyid}".encode()).signature
    body = {"public": public.to_dict(), "proof": proof}
    answer: dict[str, Any] = session.post_json("/api/v1/me/signing-keys", body)
    return answer
