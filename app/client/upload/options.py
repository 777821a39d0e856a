"""The options of `cordon upload`, and what they mean together."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from app.client.terminal import ca_option, credentials_option, json_option
from app.client.upload.bandwidth import Bandwidth, parse_rate
from app.client.upload.stop import Stop

F = TypeVar("F", bound=Callable[..., Any])


def _rate(_context: click.Context, _parameter: click.Parameter, given: str | None) -> float | None:
    try:
        return None if given is None else parse_rate(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_NEW_FOLDER: Final = click.Path(file_okay=False, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path)),
    click.option(
        "--exercise", required=True, type=click.UUID, help="The exercise's id, as its page shows it."
    ),
    click.option("--metadata", type=_FILE, help="CSV or JSON: column 'file', and facts of each."),
    click.option(
        "--workers", default=3, show_default=True, type=click.IntRange(1, 4), help="Files at a time."
    ),
    click.option(
        "--direct",
        is_flag=True,
        help="Straight into the object store, where it is S3: one file, --workers of its parts at a time.",
    ),
    click.option(
        "--limit", metavar="RATE", callback=_rate, help="At most so many bytes per second: 500k, 2M, 20Mbit."
    ),
    click.option(
        "--patience",
        default=10.0,
        show_default=True,
        type=click.FloatRange(0, 1440),
        help="Minutes to wait for a line or a service that is away; --watch waits for ever.",
    ),
    click.option("--wait", is_flag=True, help="Wait until the recordings are ready, or rejected."),
    click.option("--receipts", type=_NEW_FOLDER, help="Keep each recording's receipt here; needs --wait."),
    click.option("--bag", type=_NEW_FOLDER, help="Make a BagIt bag of what was handed over: a new folder."),
    click.option("--again", is_flag=True, help="Send again what was rejected, withdrawn or erased since."),
    click.option("--dry-run", is_flag=True, help="Say what would be sent, and what speaks against it."),
    click.option("--watch", type=_FOLDER, help="Hand over what is put into this folder, until ended."),
    click.option(
        "--done", type=_FOLDER, help="With --watch: where files are moved once they are handed over."
    ),
    click.option(
        "--every",
        default=5.0,
        show_default=True,
        type=click.FloatRange(0.1, 3600),
        help="With --watch: seconds between two looks; a file must be the same in two.",
    ),
    credentials_option,
    ca_option,
    json_option,
)


def upload_options(command: F) -> F:
    """All of them, in the order of the help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Options:
    """`limit`: bytes per second; `patience`: seconds; `every`: seconds."""

    paths: tuple[Path, ...]
    exercise: UUID
    metadata: Path | None
    workers: int
    direct: bool
    limit: float | None
    patience: float
    wait: bool
    receipts: Path | None
    bag: Path | None
    again: bool
    dry_run: bool
    watch: Path | None
    done: Path | None
    every: float
    credentials: Path | None
    ca: Path | None
    as_json: bool

    @classmethod
    def of(cls, **given: Any) -> Options:
        """Raises click.UsageError for options that do not go together."""
        options = cls(**given | {"patience": math.inf if given["watch"] else given["patience"] * 60})
        options._check()
        return options

    def _check(self) -> None:
        if self.watch is None and not self.paths:
            raise click.UsageError("name files or folders, or --watch FOLDER")
        if self.watch is None and self.done is not None:
            raise click.UsageError("--done goes with --watch")
        if self.receipts is not None and not self.wait:
            raise click.UsageError("--receipts needs --wait: a receipt is given once the recording is ready")
        if self.watch is not None:
            self._check_watch(self.watch)

    def _check_watch(self, folder: Path) -> None:
        if self.paths or self.bag is not None or self.dry_run or self.again:
            raise click.UsageError("--watch goes without PATHS, --bag, --again and --dry-run")
        if self.done is not None and self.done.resolve() == folder.resolve():
            raise click.UsageError("--done must be another folder than --watch")
        if self.done is not None and self.done.stat().st_dev != folder.stat().st_dev:
            raise click.UsageError("--done must lie on the disk of --watch: files are moved in one step")

    @property
    def files_at_once(self) -> int:
        return 1 if self.direct else self.workers

    @property
    def parts_at_once(self) -> int:
        """0 where files do not go in parts."""
        return self.workers if self.direct else 0

    def bandwidth(self, stop: Stop) -> Bandwidth:
        return Bandwidth(self.limit, stop)
