"""`cordon receipt`."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from uuid import UUID

import click

from app.client.receipt_sheet import sheet
from app.client.terminal import (
    ca_option,
    connect,
    credentials_option,
    json_option,
    one_line_errors,
    print_json,
)
from app.client.upload.receipts import fetch_receipt, keep_receipt


@click.command("receipt")
@click.argument("recording", type=click.UUID)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the receipt in this file, with its proof; one that is there is replaced.",
)
@credentials_option
@ca_option
@json_option
@one_line_errors
def receipt(
    recording: UUID, out: Path | None, credentials: Path | None, ca: Path | None, as_json: bool
) -> None:
    """Fetch the receipt of a recording of your force (what was taken in, signed by the service) and print it as a
    sheet; with --out keep it, too.

    \b
    Example: cordon receipt 0199c1a2-0000-7000-8000-000000000001 --out receipt.json | lp
    """
    data = fetch_receipt(connect(credentials, ca=ca), recording)
    written = sheet(data, out.name if out else f"{recording}.json")
    if out:
        keep_receipt(data, out)
    if as_json:
        facts = {"recording_id": str(recording), "sha256": sha256(data).hexdigest()}
        print_json({**facts, "file": str(out) if out else None})
    else:
        click.echo(written)
