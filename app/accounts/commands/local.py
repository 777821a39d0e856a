"""How a command on the service's own machine reaches the database, and how it fails: in one line."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.errors import DomainError
from app.core.identity import ActorKind, Identity, Role
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.settings import Settings, SettingsError

P = ParamSpec("P")
R = TypeVar("R")
LOCAL_ADMIN = Identity(ActorKind.SYSTEM, None, "cordon admin", roles=frozenset({Role.ADMINISTRATOR}))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """The database's URL; the embedded server runs meanwhile, unless CORDON_DATABASE_URL names another."""
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.home) as server:
        yield server.start()


@contextmanager
def local_transaction() -> Iterator[Session]:
    """One transaction of the service whose settings the environment holds."""
    with running_database(Settings.from_environ()) as url:
        database = Database(url, pool_size=1)
        try:
            with database.transaction() as session:
                yield session
        finally:
            database.dispose()


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turns what can go wrong into one line and exit status 1."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DomainError as error:
            raise click.ClickException(error.detail or error.title) from None
        except (SettingsError, EmbeddedPostgresError) as error:
            raise click.ClickException(str(error)) from None
        except DBAPIError as error:
            first = (str(error.orig).splitlines() or ["no reason given"])[0]
            raise click.ClickException(f"the database refused: {first} (was 'cordon init' run?)") from None
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None

    return wrapped


def say(document: dict[str, Any] | list[dict[str, Any]], *, as_json: bool, line: str) -> None:
    """Prints the document as JSON, or one line a person reads, with its members filled in."""
    if as_json:
        click.echo(json.dumps(document, indent=2, default=str))
        return
    for row in document if isinstance(document, list) else [document]:
        shown = {k: ", ".join(v) if isinstance(v, list) else v for k, v in row.items()}
        click.echo(line.format(**shown))
