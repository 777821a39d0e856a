"""Commands of those who hold keys: sign, keys, ceremony."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from app.client import ceremony as ceremonies
from app.client import keyfile
from app.client import sign as signing
from app.client.errors import ClientError
from app.client.register_key import register
from app.client.terminal import (
    ask_passphrase,
    connect,
    credentials_option,
    json_option,
    one_line_errors,
    print_json,
)

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("sign")
@click.argument("release")
@click.option("--key", type=_FILE, help="Your signing key; else signing.pem beside the credentials.")
@click.option("--manifest-sha256", help="Refuse unless the release's manifest has this SHA-256.")
@click.option("--yes", is_flag=True, help="Do not ask before signing.")
@credentials_option
@json_option
@one_line_errors
def sign(
    release: str,
    key: Path | None,
    manifest_sha256: str | None,
    yes: bool,
    credentials: Path | None,
    as_json: bool,
) -> None:
    """Sign a release as its approver, with a key that stays on this machine.

    \b
    Example: cordon sign 0199d2c4-… --key approver.pem
    """
    session = connect(credentials)
    request = signing.fetch_signing_request(session, release, manifest_sha256)
    signer = keyfile.open_key(
        key or session.credentials.directory / "signing.pem", ask_passphrase("Passphrase of your key")
    )
    if not as_json:
        _print_request(request)
    if not yes:
        click.confirm("Sign this release?", abort=True, err=True)
    answer = signing.send_signature(session, request, signer)
    if as_json:
        print_json({"release_id": release, "keyid": signer.public_key.keyid, "answer": answer})
    else:
        click.echo(
            f"Signed with key {signer.public_key.keyid[:16]}… ({len(request.signed_by) + 1} of {request.threshold})"
        )


def _print_request(request: signing.SigningRequest) -> None:
    click.echo(f"Release     {request.release_id} of collection {request.collection}")
    click.echo(f"Repository  {request.repo_id}")
    click.echo(f"Manifest    SHA-256 {request.manifest_sha256}")
    for name, value in sorted(request.summary.items()):
        if name != "manifest_sha256":
            click.echo(f"{name:<11} {value}")
    click.echo(f"Signed by   {', '.join(request.signed_by) or 'nobody yet'} (threshold {request.threshold})")


@click.group("keys")
def keys() -> None:
    """Make the keys that people and machine clients hold."""


keys.add_command(register)


@keys.command("new")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--machine", is_flag=True, help="A machine client's key: plain, no passphrase.")
@json_option
@one_line_errors
def keys_new(out: Path, machine: bool, as_json: bool) -> None:
    """Make an Ed25519 key; its public half is written beside it (.pub) and shown.

    \b
    Example: cordon keys new --out approver.pem
    """
    public = keyfile.new_key(
        out, None if machine else ask_passphrase("Passphrase for the new key", confirm=True)
    )
    if as_json:
        print_json(asdict(public))
    else:
        click.echo(f"Key written to {out}; register its public half ({out}.pub):")
        click.echo(f"{public.pem}Fingerprint {public.keyid}")


@click.command("ceremony")
@click.argument("collection")
@click.option(
    "--root-key", "root_keys", multiple=True, required=True, type=_FILE, help="A root key that signs now."
)
@click.option(
    "--root-public", "absent", multiple=True, type=_FILE, help="The public half of a root key elsewhere."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the root in this file.")
@credentials_option
@json_option
@one_line_errors
def ceremony(
    collection: str,
    root_keys: tuple[Path, ...],
    absent: tuple[Path, ...],
    out: Path | None,
    credentials: Path | None,
    as_json: bool,
) -> None:
    """Hold a collection's root ceremony: three root keys, two of which sign here.

    \b
    Example: cordon ceremony firearm-attack --root-key a.pem --root-key b.pem --root-public c.pem.pub
    """
    if len(root_keys) < 2:
        raise click.UsageError("a root needs two signatures: give --root-key twice at least")
    signers = [keyfile.open_key(path, ask_passphrase(f"Passphrase of {path.name}")) for path in root_keys]
    publics = [keyfile.load_public_key(path) for path in absent]
    result = ceremonies.hold_ceremony(connect(credentials), collection, signers, publics)
    if out is not None:
        try:
            out.write_bytes(result.root)
        except OSError as error:
            raise ClientError(f"{out} cannot be written: {error.strerror}") from error
    if as_json:
        print_json({"collection": collection, "repo_id": result.repo_id, "fingerprint": result.fingerprint})
    else:
        click.echo(
            f"The root of {collection} is set. Its fingerprint, for every agreement:\n{result.fingerprint}"
        )
