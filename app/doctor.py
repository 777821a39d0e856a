"""`cordon doctor`: looks at everything the service stands on, and says of each fault what to do."""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click
import psycopg

from app.core import migrate
from app.core.errors import Unavailable
from app.core.ids import new_id
from app.embedded import EmbeddedPostgres, EmbeddedPostgresError
from app.settings import Settings, SettingsError
from app.storage.base import open_store
from app.storage.incoming import require_reachable
from app.storage.keys import open_master_key
from app.uploads.service import state_of_screens
from ingest.errors import MachineFault
from ingest.ffmpeg import find_tools, version_of
from ingest.redact.detectors import CenterFace, NamedDetector

FREE_WARN, FREE_FAIL = 10 * 2**30, 2**30
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
FRONT_END = Path(__file__).parent / "web" / "static" / "manifest.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` says what to do unless all is well."""

    check: str
    level: Literal["ok", "warn", "fail"]
    detail: str
    advice: str = ""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
def doctor(as_json: bool) -> None:
    """Check that the service can run here. Exit status 1 when something fails.

    \b
    Example: cordon doctor
    """
    findings = []
    for finding in examine(os.environ):
        findings.append(finding)
        if not as_json:
            advice = f"\n      → {finding.advice}" if finding.advice else ""
            level = click.style(f"{finding.level:<4}", fg=COLOURS[finding.level])
            click.echo(f"{level}  {finding.check}: {finding.detail}{advice}")
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    sys.exit(any(finding.level == "fail" for finding in findings))


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding, in the order in which one would mend them."""
    yield _python()
    yield from _media_tools(environ)
    yield _front_end()
    try:
        settings = Settings.from_environ(environ)
    except SettingsError as error:
        yield Finding("settings", "fail", str(error), "set it, or run 'cordon init'")
        return
    yield Finding("settings", "ok", f"home is {settings.home}")
    for check in (_keys, _master_key, _disk, _storage, _database, _detectors, _screens):
        yield check(settings)
    if settings.browser_uploads == "direct":
        yield _browser_uploads(settings)


def _python() -> Finding:
    # An older one would have refused to install the package.
    return Finding("python", "ok", f"{platform.python_version()} ({platform.machine()})")


def _media_tools(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        tools = find_tools(environ)
    except (MachineFault, ImportError) as error:
        yield Finding("ffmpeg", "fail", str(error), "install the extra cordon[ingest]")
        return
    for path in (tools.ffmpeg, tools.ffprobe):
        name = path.name.split("-")[0]
        try:
            yield Finding(name, "ok", version_of(path))
        except MachineFault as error:
            yield Finding(name, "fail", str(error), f"name one that runs here with CORDON_{name.upper()}")


def _front_end() -> Finding:
    if FRONT_END.is_file():
        return Finding("front end", "ok", "built")
    return Finding("front end", "fail", "not built: pages cannot be shown", "run 'make setup'")


def _keys(settings: Settings) -> Finding:
    keys = settings.home / "keys"
    loose = [
        str(path.relative_to(settings.home))
        for path in (keys, *sorted(keys.rglob("*")))
        if path.suffix != ".pub" and path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if loose:
        return Finding("keys", "fail", f"others can read {', '.join(loose)}", f"chmod -R go= {keys}")
    return Finding("keys", "ok", "readable by their owner alone")


def _master_key(settings: Settings) -> Finding:
    return _tried(
        "master key",
        lambda: open_master_key(settings.master_key_uri).id,
        "without it no footage can be read: restore it, or run 'cordon init' on a new home",
    )


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home).free
    detail = f"{free / 2**30:.1f} GiB free in {settings.home}"
    if free >= FREE_WARN:
        return Finding("disk", "ok", detail)
    return Finding(
        "disk",
        "fail" if free < FREE_FAIL else "warn",
        detail,
        "make room, or move CORDON_HOME to a larger disk",
    )


def _storage(settings: Settings) -> Finding:
    def write_read_delete() -> str:
        store, key = open_store(settings.storage_url), f"doctor/{new_id()}"
        store.put(key, io.BytesIO(b"cordon"))
        try:
            with store.read(key) as stream:
                if stream.read() != b"cordon":
                    raise OSError("what was read is not what was written")
        finally:
            store.delete(key)
        return "written, read and deleted an object"

    return _tried("storage", write_read_delete, "check CORDON_STORAGE_URL and who may write there")


def _browser_uploads(settings: Settings) -> Finding:
    def ask() -> str:
        from app.storage.browsers import preflight  # loads boto3

        incoming = require_reachable(open_store(settings.storage_url))
        if why := preflight(incoming, settings.staff_origin):
            raise OSError(why)
        return f"pages of {settings.staff_origin} may send parts to {incoming.origin}"

    return _tried(
        "browser uploads", ask, "run 'cordon storage cors --set', or leave CORDON_BROWSER_UPLOADS at tus"
    )


def _database(settings: Settings) -> Finding:
    def revision() -> str:
        with _running(settings) as url:
            found, wanted = migrate.current(url), migrate.head()
            if found != wanted:
                raise OSError(f"at revision {found or 'none'}, not {wanted}")
        return f"reachable, at revision {found}"

    return _tried("database", revision, "run 'cordon init'; check CORDON_DATABASE_URL if it is set")


def _detectors(settings: Settings) -> Finding:
    def load() -> str:
        CenterFace()
        if not settings.region_detector:
            return "faces are proposed; screens and plates are drawn by hand"
        kinds = NamedDetector(Path(settings.region_detector)).kinds
        return f"faces are proposed, and by CORDON_REGION_DETECTOR: {', '.join(sorted(kinds))}"

    advice = (
        "install the extra cordon[ingest]; CORDON_REGION_DETECTOR names an ONNX file as docs/formats.md says"
    )
    return _tried("redaction", load, advice)


def _screens(settings: Settings) -> Finding:
    state = state_of_screens(settings)
    if state.working:
        return Finding("virus screen", "ok", state.text)
    if not state.configured:
        return Finding("virus screen", "warn", state.text, "run ClamAV's clamd and set CORDON_CLAMD")
    return Finding("virus screen", "fail", state.text, "until it answers, uploads wait: start it")


@contextmanager
def _running(settings: Settings) -> Iterator[str]:
    if settings.database_url:
        yield settings.database_url
        return
    if not (settings.home / "postgres").is_dir():
        raise OSError("there is no embedded database yet")
    with EmbeddedPostgres(settings.home) as server:
        yield server.start()


def _tried(check: str, attempt: Callable[[], str], advice: str) -> Finding:
    """The finding of something that either works, telling a detail, or raises."""
    try:
        return Finding(check, "ok", attempt())
    except (
        SettingsError,
        EmbeddedPostgresError,
        MachineFault,
        Unavailable,
        OSError,
        psycopg.Error,
    ) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return Finding(check, "fail", reason, advice)
