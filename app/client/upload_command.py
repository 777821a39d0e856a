"""`cordon upload`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import click

from app.client.direct import DirectSender
from app.client.footage import find_footage
from app.client.terminal import (
    byte_progress,
    connect,
    credentials_option,
    human_bytes,
    json_option,
    one_line_errors,
    print_json,
)
from app.client.upload import Outcome, Uploader
from app.client.upload_state import UploadState

_SAID = {
    "received": "received",
    "recorded": "received",
    "ready": "ready",
    "duplicate": "handed over before",
    "rejected": "rejected",
    "failed": "failed",
    "skipped": "skipped",
}


@click.command("upload")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--exercise", required=True, type=click.UUID, help="The exercise's id, as its page shows it.")
@click.option("--workers", default=3, show_default=True, type=click.IntRange(1, 4), help="Files at a time.")
@click.option("--direct", is_flag=True, help="Send parts straight into the object store, where it is S3.")
@click.option("--wait", is_flag=True, help="Wait until the recordings are ready, or rejected.")
@credentials_option
@json_option
@one_line_errors
def upload(
    paths: Sequence[Path],
    exercise: UUID,
    workers: int,
    direct: bool,
    wait: bool,
    credentials: Path | None,
    as_json: bool,
) -> None:
    """Hand over files, or folders of them, to an exercise; run it again to resume.

    What is not footage is skipped and said. Exit status 1 when a file failed or was rejected, or none was footage.

    \b
    Example: cordon upload /media/camera --exercise 0199c1… --wait
    """
    files = list(find_footage(paths))
    api = connect(credentials)
    state = UploadState(api.server, str(exercise))
    with byte_progress("Uploading") as bar:
        bar.expect(sum(file.size for file in files if not file.skipped))
        sender = DirectSender(api, str(exercise), workers, bar.advance, state.location, state.remember)
        uploader = Uploader(
            api, str(exercise), state, on_bytes=bar.advance, direct=sender if direct else None
        )
        workers = 1 if direct else workers  # one file at a time, whose parts go side by side
        outcomes = uploader.send_all(files, workers=workers, wait=wait)
    if as_json:
        print_json([_document(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            click.echo(_line(outcome), err=not outcome.good)
    if not all(outcome.good for outcome in outcomes):
        raise click.exceptions.Exit(1)
    if all(outcome.state == "skipped" for outcome in outcomes):
        raise click.ClickException("nothing here is footage: name video files or a folder that holds some")


def _line(outcome: Outcome) -> str:
    line = f"{_SAID.get(outcome.state, outcome.state)}: {outcome.path}"
    if outcome.state not in ("skipped", "failed"):
        line += f" ({human_bytes(outcome.size)})"
    if outcome.recording_id and outcome.state == "ready":
        line += f", recording {outcome.recording_id}"
    return f"{line}: {outcome.reason}" if outcome.reason else line


def _document(outcome: Outcome) -> dict[str, object]:
    return {
        "path": str(outcome.path),
        "state": outcome.state,
        "size": outcome.size,
        "reason": outcome.reason or None,
        "upload_id": outcome.upload_id,
        "recording_id": outcome.recording_id,
        "sha256": outcome.sha256,
    }
