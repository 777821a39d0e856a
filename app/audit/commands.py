"""`cordon audit`: check a proof file or a receipt without us, check the whole log, make a proof file.

Checking a file needs neither server nor database, so nothing of either is imported until it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import click

from app.proofs.canonical import JSON
from app.proofs.checkpoint import open_checkpoint
from app.proofs.errors import ProofError
from app.proofs.note import NoteVerifier
from app.proofs.receipt import check_file, verify_receipt
from app.proofs.tlog_proof import VerifiedEntry, verify_bundle
from app.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MAX_PROOF_BYTES = 4 << 20


@click.group()
def audit() -> None:
    """Check the audit log and its proofs.

    \b
    Example: cordon audit verify receipt.json --key checkpoint.pub
    """


@audit.command()
@click.argument("bundle", required=False, type=_FILE)
@click.option("--key", metavar="KEY|FILE", help="The log's verifier key, or a file that holds it.")
@click.option("--file", "footage", type=_FILE, help="The footage that a receipt must speak of.")
@click.option("--checkpoint", type=_FILE, help="A checkpoint you kept: the log must still contain it.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def verify(
    bundle: Path | None, key: str | None, footage: Path | None, checkpoint: Path | None, as_json: bool
) -> None:
    """Verify BUNDLE (a receipt, an erasure certificate or a proof file) offline or, without one, the whole log
    in the database.

    Exit status: 0 verified, 1 not verified, 2 used wrongly.

    \b
    Example: cordon audit verify receipt.json --file film.mp4 --key checkpoint.pub
    Example: cordon audit verify 0192….tlog-proof --key checkpoint.pub
    Example: cordon audit verify
    """
    if bundle is not None and (key is None or checkpoint is not None):
        raise click.UsageError("a file is verified with --key, the log's verifier key, and no --checkpoint")
    if bundle is None and footage is not None:
        raise click.UsageError("--file is compared with a receipt: name the receipt too")
    verifier = None if key is None else _verifier(key)
    try:
        result, line = (
            _verify_log(verifier, checkpoint) if bundle is None else _verify_file(bundle, verifier, footage)
        )
    except ProofError as error:
        _refuse(error, as_json)
    click.echo(json.dumps({"verified": True, **result}, indent=2) if as_json else line)


@audit.command()
@click.argument("event_id", type=click.UUID)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the proof to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prove(event_id: UUID, out: Path | None, as_json: bool) -> None:
    """Make the proof file of one entry of the log.

    \b
    Example: cordon audit prove 0192f0c1-… --out entry.tlog-proof
    """
    with _server_packages():
        from app.audit import service
        from app.core.errors import DomainError, NotFound

    with _session(Settings.from_environ()) as session:
        try:
            bundle = service.prove(session, event_id)
        except NotFound:
            raise click.ClickException(f"the log has no entry {event_id}") from None
        except DomainError as error:
            raise click.ClickException(str(error)) from None
    proof = bundle.serialise()
    if out is not None:
        out.write_text(proof)
    if as_json:
        click.echo(json.dumps({"event_id": str(event_id), "index": bundle.index, "proof": proof}, indent=2))
    elif out is None:
        click.echo(proof, nl=False)
    else:
        click.echo(f"proof of entry {event_id} (index {bundle.index}) written to {out}")


def _verify_file(
    path: Path, verifier: NoteVerifier | None, footage: Path | None
) -> tuple[dict[str, JSON], str]:
    if verifier is None:
        raise ProofError("no verifier key is given")
    text = _read(path)
    if text.startswith("{"):
        return _verify_receipt(text, verifier, footage)
    if footage is not None:
        raise click.UsageError("--file is compared with a receipt, and this is a proof file")
    proven = verify_bundle(text, verifier)
    return _facts(proven), _describe(proven)


def _verify_receipt(text: str, verifier: NoteVerifier, footage: Path | None) -> tuple[dict[str, JSON], str]:
    found = verify_receipt(text.encode(), verifier)
    if footage is not None:
        try:
            check_file(found.statement, footage)
        except OSError as error:
            raise ProofError(f"{footage.name} cannot be read: {error.strerror}") from None
    said = f"{found.statement['kind']} of {found.statement.get('filename')!r}"
    said += f" (SHA-256 {found.statement.get('sha256')}) at {found.statement['at']}"
    line = f"verified: {said}, {_place(found.proven)}"
    line += f"; {footage.name} is that very file" if footage is not None else ""
    facts: dict[str, JSON] = {"statement": found.statement, "file_compared": footage is not None}
    return {**_facts(found.proven), **facts}, line


def _facts(proven: VerifiedEntry) -> dict[str, JSON]:
    head = proven.checkpoint
    place: dict[str, JSON] = {"index": proven.index, "origin": head.origin, "size": head.size}
    return {**place, "entry": proven.entry, "root": head.root.hex()}


def _verify_log(verifier: NoteVerifier | None, kept: Path | None) -> tuple[dict[str, JSON], str]:
    with _server_packages():
        from app.audit.keys import load_checkpoint_key
        from app.audit.verification import take_snapshot, verify_log

    settings = Settings.from_environ()
    verifier = verifier or load_checkpoint_key(settings.checkpoint_key_uri).verifier
    remembered = None if kept is None else open_checkpoint(_read(kept), verifier)
    with _session(settings) as session:
        take_snapshot(session)
        report = verify_log(session, verifier, remembered=remembered)
    line = f"verified: {report.size} entries, {report.checkpoints} checkpoints of {verifier.name}"
    line += f", {report.waiting} entries wait for the next" if report.waiting else ""
    counts: dict[str, JSON] = {
        "size": report.size,
        "checkpoints": report.checkpoints,
        "waiting": report.waiting,
    }
    return {**counts, "origin": verifier.name, "root": report.root.hex()}, line


def _describe(proven: VerifiedEntry) -> str:
    entry: dict[str, Any] = proven.entry
    actor = entry.get("actor") or {}
    who = f"{actor.get('kind')} {actor.get('label')!r}"
    return f"verified: {entry.get('tag')} at {entry.get('at')} by {who}, {_place(proven)}"


def _place(proven: VerifiedEntry) -> str:
    return f"index {proven.index} of {proven.checkpoint.size} in {proven.checkpoint.origin}"


def _verifier(key: str) -> NoteVerifier:
    try:
        return NoteVerifier.parse(_read(Path(key)) if Path(key).is_file() else key)
    except (ProofError, OSError) as error:
        raise click.UsageError(f"--key: {error}") from None


def _read(path: Path) -> str:
    if path.stat().st_size > _MAX_PROOF_BYTES:
        raise ProofError(f"{path.name} is too large to be a proof, checkpoint or key")
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise ProofError(f"{path.name} is not text, so no proof, checkpoint or key") from None


def _refuse(error: ProofError, as_json: bool) -> NoReturn:
    if as_json:
        row = getattr(error, "row", None)
        click.echo(json.dumps({"verified": False, "row": row, "reason": str(error)}, indent=2))
    else:
        click.echo(f"Error: not verified: {error}", err=True)
    raise SystemExit(1)


@contextmanager
def _server_packages() -> Iterator[None]:
    """A partner's install checks proof files and has no database: what needs one says so in one line."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"this needs packages that are not installed ({error.name}): pip install 'cordon[server]'"
        ) from None


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    """One transaction on the configured database, or on the embedded one, started where it does not run."""
    from app.core.db import Database
    from app.embedded import EmbeddedPostgres, embedded_url

    with ExitStack() as stack:
        url = settings.database_url
        if url is None:
            stack.enter_context(EmbeddedPostgres(settings.home))
            url = embedded_url(settings.home)
        database = Database(url)
        stack.callback(database.dispose)
        yield stack.enter_context(database.transaction())
