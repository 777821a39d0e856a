"""`cordon receipt`."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from uuid import UUID

import click

from app.client.terminal import (
    ca_option,
    connect,
    credentials_option,
    json_option,
    one_line_errors,
    print_json,
)
from app.client.upload.receipts import save_receipt


@click.command("receipt")
@click.argument("recording", type=click.UUID)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; one that is there is replaced.",
)
@credentials_option
@ca_option
@json_option
@one_line_errors
def receipt(recording: UUID, out: Path, credentials: Path | None, ca: Path | None, as_json: bool) -> None:
    """Fetch the receipt of a recording of your force: what was taken in, signed by the service.

    \b
    Example: cordon receipt 0199c1a2-0000-7000-8000-000000000001 --out receipt.json
    """
    save_receipt(connect(credentials, ca=ca), recording, out)
    digest = sha256(out.read_bytes()).hexdigest()
    if as_json:
        print_json({"recording_id": str(recording), "file": str(out), "sha256": digest})
    else:
        click.echo(f"Receipt of recording {recording} is in {out}")
