"""The partner's commands list, pull and verify; sign, keys and ceremony stand in `approver_commands`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from app.client import pull as pulling
from app.client.approver_commands import ceremony, keys, keys_new, sign
from app.client.pull import Observer, PinChoice, PullPlan, PullResult
from app.client.terminal import (
    ByteProgress,
    byte_progress,
    connect,
    credentials_option,
    human_bytes,
    json_option,
    one_line_errors,
    print_json,
)
from app.client.verify import VerifyReport, verify_directory

__all__ = ["ceremony", "keys", "keys_new", "list_releases", "pull", "sign", "verify"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("list")
@credentials_option
@json_option
@one_line_errors
def list_releases(credentials: Path | None, as_json: bool) -> None:
    """List the releases that are granted to you.

    \b
    Example: cordon list --credentials partner.json
    """
    items = list(connect(credentials).get_pages("/api/v1/releases"))
    if as_json:
        print_json(items)
    elif not items:
        click.echo("No release is granted to you yet.")
    for item in [] if as_json else items:
        click.echo(_release_line(item))


def _release_line(item: dict[str, Any]) -> str:
    parts = [
        str(item.get("collection", "?")),
        f"release {item.get('number', '?')}",
        str(item.get("state", "")),
    ]
    if isinstance(item.get("clip_count"), int):
        parts.append(f"{item['clip_count']} clips")
    if isinstance(item.get("total_bytes"), int):
        parts.append(human_bytes(item["total_bytes"]))
    return "  ".join([*parts, str(item.get("id", ""))])


@click.command("pull")
@click.argument("collection")
@click.option("--dir", "directory", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--root", type=_FILE, help="The root that was agreed out of band, as a file.")
@click.option("--fingerprint", help="The root's fingerprint, as your agreement shows it (first pull).")
@click.option("--workers", default=4, show_default=True, type=click.IntRange(1, 32))
@credentials_option
@json_option
@one_line_errors
def pull(
    collection: str,
    directory: Path,
    root: Path | None,
    fingerprint: str | None,
    workers: int,
    credentials: Path | None,
    as_json: bool,
) -> None:
    """Fetch and verify a collection's current release; run it again to resume or to update.

    \b
    Example: cordon pull firearm-attack --dir releases --fingerprint 3f6a…
    """
    with byte_progress(f"Pulling {collection}") as bar:
        result = pulling.pull(
            connect(credentials),
            collection,
            directory,
            PinChoice(root, fingerprint),
            workers=workers,
            observer=_Bar(bar),
        )
    if as_json:
        print_json(_pull_document(result))
        return
    release = result.release
    what = "Already up to date" if result.unchanged else f"Fetched {human_bytes(result.fetched_bytes)}"
    click.echo(
        f"{what}: {collection} release {release.number}, {release.clips} clips in {release.shards} shards, "
        f"verified against root {result.fingerprint[:16]}…"
    )
    for path in result.removed:
        click.echo(f"Removed {path}: this release no longer holds it")


class _Bar(Observer):
    def __init__(self, bar: ByteProgress) -> None:
        self._bar = bar

    def planned(self, plan: PullPlan) -> None:
        self._bar.expect(sum(entry.length for entry in plan.missing))

    def arrived(self, count: int) -> None:
        self._bar.advance(count)


def _pull_document(result: PullResult) -> dict[str, Any]:
    document = asdict(result)
    document["release"]["splits"] = dict(result.release.splits)
    return {**document, "unchanged": result.unchanged}


@click.command("verify")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Judge expiry as of this day (UTC).")
@click.option("--fingerprint", help="Demand that the directory was pinned to this root.")
@json_option
@one_line_errors
def verify(directory: Path, as_of: datetime | None, fingerprint: str | None, as_json: bool) -> None:
    """Verify a pulled release offline: signatures, expiry, manifest and every file.

    \b
    Example: cordon verify releases --as-of 2026-11-01
    """
    at = as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC)
    with byte_progress("Verifying") as bar:
        report = verify_directory(directory, at, fingerprint=fingerprint, progress=bar.advance)
    if as_json:
        print_json({**asdict(report), "good": report.good})
    else:
        _print_report(report)
    if not report.good:
        raise click.exceptions.Exit(1)


def _print_report(report: VerifyReport) -> None:
    for problem in ("tampered", "missing", "extra"):
        for path in getattr(report, problem):
            click.echo(f"{problem}: {path}", err=True)
    if report.good:
        click.echo(
            f"Good: {report.release.collection} release {report.release.number}, {report.files} files, "
            f"{human_bytes(report.bytes)}, signed under root {report.fingerprint[:16]}…"
        )
    else:
        click.echo(
            "Not good: 'cordon pull' mends what is tampered or missing; move away what is extra", err=True
        )
