"""`cordon storage`: what an operator sets at the object store itself."""

from __future__ import annotations

import json
import sys

import click

from app.core.errors import Unavailable
from app.settings import Settings
from app.storage.base import open_store
from app.storage.browsers import BrowserRules, preflight


@click.group()
def storage() -> None:
    """What the object store lets browsers do.

    \b
    Example: cordon storage cors --set
    """


@storage.command()
@click.option("--set", "change", flag_value="set", help="Let pages of CORDON_STAFF_URL send parts.")
@click.option("--remove", "change", flag_value="remove", help="Take that rule out again.")
def cors(change: str | None) -> None:
    """Show or set the bucket's CORS rule, which CORDON_BROWSER_UPLOADS=direct needs; rules of others stay.

    Prints the bucket's rules, then asks the store as a browser would. Exit status 1 where it would not send.

    \b
    Example: cordon storage cors --set
    """
    settings = Settings.from_environ()
    incoming = open_store(settings.storage_url).incoming
    if incoming is None:
        raise click.ClickException("CORDON_STORAGE_URL names no S3 store: only a bucket has CORS rules")
    try:
        _change(incoming.browsers, change, settings.staff_origin)
        click.echo(json.dumps(incoming.browsers.all(), indent=2))
    except Unavailable as error:
        cause = error.__cause__ or error
        raise click.ClickException(
            f"the store does not let its CORS rules be seen or changed: {cause}"
        ) from None
    why = preflight(incoming, settings.staff_origin)
    click.echo(why or f"Pages of {settings.staff_origin} may send parts to {incoming.origin}.", err=bool(why))
    sys.exit(bool(why) and change != "remove")


def _change(rules: BrowserRules, change: str | None, origin: str) -> None:
    if change == "set":
        rules.allow(origin)
    elif change == "remove":
        rules.remove()
