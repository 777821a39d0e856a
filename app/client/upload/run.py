"""One run over files that are there: plan, check, send, wait, receipts, bag."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from app.client.errors import ClientError
from app.client.http import ApiSession
from app.client.upload.bag_writer import check_target, write_bag
from app.client.upload.crew import Crew
from app.client.upload.follow import look, settled
from app.client.upload.model import Item, Observer, Outcome, cut_off, failed
from app.client.upload.options import Options
from app.client.upload.plan import make_plan
from app.client.upload.preflight import Preflight
from app.client.upload.progress import upload_progress
from app.client.upload.receipts import save_when_given
from app.client.upload.report import Report
from app.client.upload.retry import Patience
from app.client.upload.sender import Sender
from app.client.upload.state import UploadState
from app.client.upload.stop import Interrupted, Stop
from app.client.upload.transfer import Line, patiently
from app.client.upload.twins import outcomes_of

GRACE_SECONDS: Final = 5.0
_RECEIPT_SECONDS: Final = 60.0
_POLLS: Final = (1.0, 1.0, 2.0, 3.0, 5.0)


def hand_over(options: Options, api: ApiSession, stop: Stop) -> Report:
    """Does what the options ask and says what became of it. Raises ClientError, OSError."""
    if options.bag is not None:
        check_target(options.bag)
    plan = make_plan(options.paths, options.metadata)
    state = UploadState(api.server, str(options.exercise))
    state.prune()
    _preflight(options, api, state, stop).check(plan)
    report = Report(plan, options, api.server)
    if options.dry_run or plan.problems:
        report.outcomes = [*plan.others, *map(_unsent, plan.items), *map(_not_sent_again, plan.before)]
        report.outcomes += outcomes_of(plan.twins, report.outcomes)
        return report
    with upload_progress(plan.total_bytes) as observer:
        line = Line(options.bandwidth(stop), stop, observer, options.patience)
        sender = Sender(api, str(options.exercise), state, line, direct=options.parts_at_once)
        sent = send_items(sender, plan.items, options.files_at_once, line)
        report.outcomes = [*plan.others, *plan.before, *sent]
        _afterwards(report, api, stop, observer)
    return report


def _preflight(options: Options, api: ApiSession, state: UploadState, stop: Stop) -> Preflight:
    seconds = 0.0 if options.dry_run else options.patience

    def says(text: str) -> None:
        click.echo(text, err=True)

    return Preflight(
        api,
        str(options.exercise),
        state,
        stop,
        lambda: Patience(seconds, stop.pause, says),
        says,
        workers=options.workers,
        again=options.again,
    )


def _unsent(item: Item) -> Outcome:
    return Outcome(item.path, "would_send", item.size, sha256=item.sha256 or None, name=item.name)


def _not_sent_again(before: Outcome) -> Outcome:
    """What is not with the service any more is told as a run that sends would tell it."""
    return replace(before, state="sent_before") if before.good else before


def send_items(sender: Sender, items: Sequence[Item], workers: int, line: Line) -> list[Outcome]:
    """Sends all, `workers` at a time; outcomes in the order of `items`. One file's failure is its own."""
    crew: Crew[Item, Outcome] = Crew(lambda item: send_one(sender, item, line), workers)
    for item in items:
        crew.put(item)
    crew.dismiss()
    done: dict[Path, Outcome] = {}
    told_at: float | None = None
    while len(done) < len(items):
        if (taken := crew.take(0.2)) is not None:
            done[taken[0].path] = taken[1]
        elif line.stop:
            told_at = told_at or time.monotonic()
            if time.monotonic() - told_at > GRACE_SECONDS:
                break
    return [done.get(item.path) or cut_off(item) for item in items]


def send_one(sender: Sender, item: Item, line: Line) -> Outcome:
    """One file; every fault is an outcome."""
    try:
        line.stop.check()
        return sender.send(item)
    except Interrupted:
        return cut_off(item)
    except (ClientError, OSError) as error:
        return failed(item, error)
    finally:
        line.observer.ended(item)


def _afterwards(report: Report, api: ApiSession, stop: Stop, observer: Observer) -> None:
    """Waits, then keeps receipts and makes the bag; an interruption ends it there."""
    options = report.options
    try:
        if options.wait:
            wait_for_all(report, api, stop, observer)
    except Interrupted:
        report.interrupted = True
    report.outcomes += outcomes_of(report.plan.twins, report.outcomes)
    try:
        if options.receipts is not None and not report.interrupted:
            _save_receipts(report, api, stop)
        if options.bag is not None:
            stop.check()
    except Interrupted:
        report.interrupted = True
    if options.bag is None or report.interrupted:
        return
    if any(one.state == "failed" for one in report.outcomes):
        report.troubles.append("no bag was made, for not all was handed over: run the same command again")
        return
    try:
        write_bag(options.bag, report.outcomes, exercise=str(options.exercise), server=api.server)
        report.bag = options.bag
    except OSError as error:
        report.troubles.append(f"no bag was made: {error.strerror}")
    except ClientError as error:
        report.troubles.append(str(error))


def wait_for_all(report: Report, api: ApiSession, stop: Stop, observer: Observer) -> None:
    """Until each recording is ready or rejected. Raises Interrupted."""
    rounds = 0
    while True:
        waiting = [
            at
            for at, one in enumerate(report.outcomes)
            if one.upload_id and not settled(one) and not one.reason
        ]
        if not waiting:
            return
        stop.check()
        for at in waiting:
            report.outcomes[at] = _look_patiently(report, api, report.outcomes[at], stop, observer)
        if any(not settled(report.outcomes[at]) for at in waiting):
            stop.pause(_POLLS[min(rounds, len(_POLLS) - 1)])
        rounds += 1


def _look_patiently(
    report: Report, api: ApiSession, outcome: Outcome, stop: Stop, observer: Observer
) -> Outcome:
    patience = Patience(report.options.patience, stop.pause, observer.says)
    try:
        found = patiently(patience, outcome.name, lambda: look(api, outcome))
    except ClientError as error:
        report.troubles.append(f"{outcome.name} was received; what became of it is not known: {error}")
        return replace(outcome, reason="what became of it is not known")
    if found.state == "lost":
        return replace(found, state="rejected")
    return found


def _save_receipts(report: Report, api: ApiSession, stop: Stop) -> None:
    """One for each recording that is there. Raises Interrupted."""
    directory = report.options.receipts
    assert directory is not None
    for recording in dict.fromkeys(
        one.recording_id for one in report.outcomes if one.good and one.recording_id
    ):
        stop.check()
        try:
            report.receipts.append(save_when_given(api, recording, directory, stop, _RECEIPT_SECONDS))
        except ClientError as error:
            report.troubles.append(f"recording {recording}: {error}")
