"""What a run says at its end: lines for a person, a document for a script, an exit status for both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from app.client.terminal import human_bytes, print_json
from app.client.upload.follow import settled
from app.client.upload.model import Outcome
from app.client.upload.options import Options
from app.client.upload.plan import Plan

GOOD: Final = 0
BAD: Final = 1
INTERRUPTED: Final = 3
_SAID: Final = {
    "received": "received",
    "recorded": "received",
    "duplicate": "handed over before",
    "would_send": "would be sent",
    "sent_before": "sent before",
}
_SKIPS_SHOWN: Final = 5
NOTHING: Final = "nothing here is footage: name video files or a folder that holds some"


@dataclass
class Report:
    """`troubles` are faults of the run that are no file's."""

    plan: Plan
    options: Options
    server: str
    outcomes: list[Outcome] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    receipts: list[Path] = field(default_factory=list)
    bag: Path | None = None
    interrupted: bool = False

    @property
    def exit_status(self) -> int:
        """0 all good, 1 something failed or is not with the service (any more), 3 interrupted."""
        if self.interrupted or any(one.state == "interrupted" for one in self.outcomes):
            return INTERRUPTED
        if self.troubles or self.plan.problems or not all(one.good for one in self.outcomes):
            return BAD
        return BAD if self._nothing() else GOOD

    def _nothing(self) -> bool:
        return all(one.state == "skipped" for one in self.outcomes)

    @property
    def to_send(self) -> int:
        """Bytes that are not known to be with the service."""
        return sum(one.size for one in self.outcomes if one.state == "would_send")

    def show(self) -> None:
        """Prints one or the other."""
        if self.options.as_json:
            print_json(self.document())
            return
        for line in self.plan.notes:
            click.echo(line, err=True)
        for outcome in sorted(self.outcomes, key=lambda one: one.path):
            if outcome.state != "skipped":
                click.echo(line_of(outcome), err=not outcome.good)
        for line in self._skipped():
            click.echo(line)
        self._show_end()

    def _show_end(self) -> None:
        if self.options.dry_run:
            click.echo(self._forecast())
        for line in [*self.plan.problems, *self.troubles]:
            click.echo(line, err=True)
        if self.plan.problems and not self.options.dry_run:
            click.echo("Nothing was sent.", err=True)
        if self._nothing():
            click.echo(f"Error: {NOTHING}", err=True)
        if self.bag is not None:
            click.echo(f"Bag: {self.bag}")
        for receipt in self.receipts:
            click.echo(f"Receipt: {receipt}")
        if self.exit_status == INTERRUPTED:
            click.echo("Interrupted. What arrived is kept: run the same command to go on.", err=True)

    def _skipped(self) -> Iterator[str]:
        """A camera card has hundreds of sidecars: some of each kind are enough."""
        reasons: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in self.outcomes:
            if outcome.state == "skipped":
                reasons[outcome.reason].append(outcome)
        for reason, skipped in reasons.items():
            yield from (line_of(one) for one in skipped[:_SKIPS_SHOWN])
            if len(skipped) > _SKIPS_SHOWN:
                yield f"skipped: {len(skipped) - _SKIPS_SHOWN} more files: {reason}"

    def _forecast(self) -> str:
        count = sum(one.state == "would_send" for one in self.outcomes)
        text = f"{count} file{'s' * (count != 1)}, {human_bytes(self.to_send)} would be sent"
        if (seconds := self._seconds()) is not None:
            text += f", in {timedelta(seconds=round(seconds))} at {human_bytes(self.options.limit or 0)}/s"
        if not self.plan.verdict.asked:
            text += "; the service has no check beforehand, so it was not asked"
        return text

    def _seconds(self) -> float | None:
        return self.to_send / self.options.limit if self.options.limit else None

    def document(self) -> dict[str, Any]:
        """For scripts."""
        document: dict[str, Any] = {
            "exercise": str(self.options.exercise),
            "files": [document_of(one) for one in sorted(self.outcomes, key=lambda one: one.path)],
            "notes": self.plan.notes,
            "problems": self.plan.problems,
            "troubles": self.troubles,
            "exit_status": self.exit_status,
        }
        if self.options.dry_run:
            forecast = {"to_send": self.to_send, "seconds_at_limit": self._seconds()}
            return document | {"dry_run": True, "checked": self.plan.verdict.asked} | forecast
        made = {"bag": str(self.bag) if self.bag else None, "receipts": [str(path) for path in self.receipts]}
        return document | made


def line_of(outcome: Outcome) -> str:
    """One file for a person."""
    line = f"{_SAID.get(outcome.state, outcome.state)}: {outcome.shown}"
    if outcome.state not in ("skipped", "failed"):
        line += f" ({human_bytes(outcome.size)})"
    if outcome.recording_id and settled(outcome) and outcome.good:
        line += f", recording {outcome.recording_id}"
    return f"{line}: {outcome.reason}" if outcome.reason else line


def document_of(outcome: Outcome) -> dict[str, Any]:
    """One file for a script."""
    return {
        "path": outcome.shown,
        "name": outcome.name.encode(errors="replace").decode(),
        "state": outcome.state,
        "size": outcome.size,
        "reason": outcome.reason or None,
        "upload_id": outcome.upload_id,
        "recording_id": outcome.recording_id,
        "sha256": outcome.sha256,
    }
