"""What all commands of the client share: options, errors in one line, JSON, progress on a terminal only."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.client.credentials import CREDENTIALS_VARIABLE, load_credentials
from app.client.errors import ClientError
from app.client.http import ApiSession

P = ParamSpec("P")
T = TypeVar("T")

PASSPHRASE_VARIABLE = "CORDON_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable

credentials_option = click.option(
    "--credentials",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Your credentials file; else ${CREDENTIALS_VARIABLE}.",
)
ca_option = click.option(
    "--ca",
    type=click.Path(exists=True, path_type=Path),
    help="PEM file of the authorities to trust; else $REQUESTS_CA_BUNDLE, else $SSL_CERT_FILE.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for scripts.")


def one_line_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Turns a ClientError into the command's one line and exit status 1."""

    @functools.wraps(command)
    def wrapped(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return command(*arguments, **options)
        except ClientError as error:
            raise click.ClickException(str(error)) from error

    return wrapped


def connect(
    credentials: Path | None, *, ca: Path | None = None, pause: Callable[[float], None] = time.sleep
) -> ApiSession:
    """A session with the service that the credentials name; it is closed when the command ends."""
    session = ApiSession(load_credentials(credentials), ca=ca, pause=pause)
    return click.get_current_context().with_resource(session)


def ask_passphrase(prompt: str, *, confirm: bool = False) -> Callable[[], str]:
    """Asks when called: the variable first, then the terminal. Raises ClientError where there is neither."""

    def ask() -> str:
        given = os.environ.get(PASSPHRASE_VARIABLE)
        if given:
            return given
        if not sys.stdin.isatty():
            raise ClientError(f"the key needs a passphrase: set {PASSPHRASE_VARIABLE} or use a terminal")
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))

    return ask


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))


def human_bytes(count: float) -> str:
    """1536 → "1.5 kB" (decimal units)."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


@contextmanager
def byte_progress(title: str) -> Iterator[ByteProgress]:
    """A bar on standard error when that is a terminal, and nothing at all in a pipe."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield ByteProgress(progress, progress.add_task(title, total=None))


class ByteProgress:
    """Counts bytes towards a total that may become known only later; callable from any thread."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self._task = task

    def expect(self, total: int) -> None:
        self._progress.update(self._task, total=total)

    def advance(self, count: int) -> None:
        self._progress.advance(self._task, count)
