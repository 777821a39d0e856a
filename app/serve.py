"""`cordon run`, `serve` and `worker`: the service as one command, or its parts one by one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import click

from app.core.logging import configure
from app.embedded import EmbeddedPostgresError
from app.settings import Settings, SettingsError
from app.supervisor import EX_CONFIG

DEFAULT_PORTS = {"staff": 8000, "partner": 8001}
_port = click.IntRange(1, 65535)


@click.command("run")
@click.option(
    "--staff-port", type=_port, help="Default: that of CORDON_STAFF_URL on this machine, else 8000."
)
@click.option("--partner-port", type=_port, help="Default: that of CORDON_PARTNER_URL, else 8001.")
def run(staff_port: int | None, partner_port: int | None) -> None:
    """The whole service, left running: both surfaces, two workers and, unless CORDON_DATABASE_URL names another,
    its own PostgreSQL. What dies is started again; Ctrl-C or SIGTERM stops everything.

    \b
    Example: cordon run --staff-port 8000 --partner-port 8001
    """
    from app.together import run_together

    with _unusable_settings():
        sys.exit(run_together(os.environ, ports={"staff": staff_port, "partner": partner_port}))


@click.command("serve")
@click.option("--surface", type=click.Choice(["staff", "partner"]), required=True)
@click.option(
    "--port", type=_port, help="Default: that of the surface's URL on this machine, else 8000 or 8001."
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
def serve(surface: str, port: int | None, workers: int) -> None:
    """One surface, on CORDON_BIND (this machine alone by default). Behind TLS of your own.

    Ends with status 78 where the settings cannot be used.

    \b
    Example: cordon serve --surface partner --port 8001 --workers 4
    """
    from app.web_server import Listening, WebServer

    with _unusable_settings():
        settings = Settings.from_environ()
        configure(level=settings.log_level, style=settings.log_format)
        WebServer(settings, Listening(surface, port or port_of(settings, surface), workers)).run()  # type: ignore[arg-type]


@click.command("worker")
@click.option("--queues", help="Only jobs of these queues, separated by commas: a feature's name, or media.")
@click.option("--without", help="All jobs but those of these queues.")
def worker(queues: str | None, without: str | None) -> None:
    """Does the service's jobs: ingest, releases, clearing up. Ends with status 78 on unusable settings.

    The queue media holds the coding of footage, which keeps a processor busy for minutes; everything else is short.

    \b
    Examples: cordon worker --queues media
              cordon worker --without media
    """
    from app.worker import main

    with _unusable_settings():
        main(Settings.from_environ(), queues=_names(queues), without=_names(without) or ())


def _names(listed: str | None) -> list[str] | None:
    return [name.strip() for name in listed.split(",")] if listed else None


def port_of(settings: Settings, surface: str) -> int:
    """The port to listen on: that of the surface's address if it names this machine, else the default."""
    parts = urlsplit(settings.staff_url if surface == "staff" else settings.partner_url)
    local = parts.scheme == "http"  # Settings allows it on this machine alone
    return (parts.port if local else None) or DEFAULT_PORTS[surface]


@contextmanager
def _unusable_settings() -> Iterator[None]:
    """One line and EX_CONFIG, at which a supervisor gives up, for what another try would not mend."""
    try:
        yield
    except (SettingsError, EmbeddedPostgresError) as error:
        click.echo(f"cordon: {error}", err=True)
        sys.exit(EX_CONFIG)
