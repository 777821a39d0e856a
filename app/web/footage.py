"""What became of a file, in words for the person who handed it over, and what to do where it was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.audit.models import AuditEvent
from app.jobs import MOST_COUNTED, Waiting
from app.recordings.models import Clip, Recording
from app.recordings.service import IngestProgress
from app.uploads.models import Upload
from app.web.words import ADVICE, HAPPENINGS, HISTORY, LACKS, STEPS

WAITING = "waiting for its turn"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far processing is; `percent` is None where the whole is not known yet, `detail` says more in words.

    `since` and `why` are set where it waits for the machine.
    """

    step: str
    percent: int | None
    detail: str = ""
    since: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fate:
    """One file of an exercise: its state, what that means, and what its owner can do about it."""

    id: UUID
    filename: str
    size: int
    state: str
    text: str
    advice: str = ""
    recording_id: UUID | None = None
    progress: Progress | None = None

    @property
    def moving(self) -> bool:
        """True while the state will change without anyone doing anything here."""
        return self.state in ("received", "recorded", "processing")


def fate_of(upload: Upload, recording: Recording | None, progress: IngestProgress | None) -> Fate:
    """What became of an upload and, where it has become one, of its recording."""
    made = recording if recording is not None and recording.upload_id == upload.id else None
    state, reason_code, reason = upload.state, upload.reason_code, upload.reason
    if made is not None:
        state, reason_code, reason = made.state, made.reason_code, made.reason
    return Fate(
        id=upload.id,
        filename=upload.filename,
        size=upload.offset if upload.length is None else upload.length,
        state=state,
        text=reason or _meaning(upload, made, state),
        advice=ADVICE.get(reason_code or "", ""),
        recording_id=upload.recording_id,
        progress=progress_in_words(progress) if state == "processing" else None,
    )


def fate_of_joined(recording: Recording, progress: IngestProgress | None) -> Fate:
    """What became of a recording that was joined from others."""
    return Fate(
        id=recording.id,
        filename=recording.filename,
        size=recording.size,
        state=recording.state,
        text=recording.reason or _ready(recording) or "The parts are joined. Working copies are being made.",
        advice="" if recording.reason_code == "cancelled" else ADVICE.get(recording.reason_code or "", ""),
        recording_id=recording.id,
        progress=progress_in_words(progress) if recording.state == "processing" else None,
    )


def _ready(recording: Recording) -> str:
    if recording.state != "ready" or not recording.frame_count:
        return ""
    if recording.part_of_id is not None:
        return "A part of a joined recording, which stands for it."
    seconds = recording.duration_seconds or 0
    return f"{recording.frame_count:,} frames, {seconds:.1f} seconds: every one accounted for."


def _meaning(upload: Upload, recording: Recording | None, state: str) -> str:
    if state in ("created", "receiving"):
        if upload.length is None:
            return f"{upload.offset:,} bytes have arrived and are kept; how many will come was not said yet."
        percent = 100 * upload.offset // upload.length
        how = "Choose the same file again"
        if upload.via == "direct":
            how += ", or run the same command again where one began it,"
        return f"{percent} % has arrived and is kept. {how} to go on."
    if recording is not None and (said := _ready(recording)):
        return said
    return {
        "received": "Everything has arrived and is being checked.",
        "recorded": "Checked; the original is being stored.",
        "processing": "The original is safe. Working copies are being made.",
    }.get(state, "")


def progress_in_words(progress: IngestProgress | None) -> Progress | None:
    """The progress of an ingest as a person reads it; None before it began."""
    if progress is None:
        return None
    if progress.waiting is not None:
        return _waiting_in_words(progress, progress.waiting)
    percent = _percent(progress)
    detail = ""
    if progress.unit == "frames" and progress.total:
        detail = f"frame {progress.done:,.0f} of {progress.total:,.0f}"
        detail += (
            f", {duration_in_words(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
        )
    return Progress(STEPS.get(progress.step, progress.step or WAITING), percent, detail)


def _percent(progress: IngestProgress) -> int | None:
    return min(100, int(100 * progress.done / progress.total)) if progress.total else None


def _waiting_in_words(progress: IngestProgress, waiting: Waiting) -> Progress:
    percent = _percent(progress) or None
    if waiting.machine is not None:
        why = why_in_words(waiting.machine.why)
        return Progress("waiting for the machine", percent, since=waiting.machine.since, why=why)
    more = " or more" if waiting.before >= MOST_COUNTED else ""
    others = f"{waiting.before:,}{more} other job{'' if waiting.before == 1 else 's'} first"
    return Progress(WAITING, percent, others if waiting.before else "it is next")


def why_in_words(why: str) -> str:
    """What the machine lacks, by its code, behind "because"."""
    return LACKS.get(why, "something on its machine failed, which the operator's log names")


def duration_in_words(seconds: float) -> str:
    """A length of time as one says it: "less than a minute", "about 4 minutes", "about 2 hours"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {round(minutes / 60)} hours"


def history_in_words(events: Iterable[AuditEvent]) -> list[tuple[AuditEvent, str]]:
    """Each entry with its sentence."""
    return [(event, HISTORY.get(event.tag, event.tag) + _particulars(event)) for event in events]


def _particulars(event: AuditEvent) -> str:
    """Of a change of details, which; of a refusal or withdrawal, why."""
    if event.tag == "recording:described":
        return ": " + ", ".join(sorted(name.replace("_", " ") for name in event.details["changed"]))
    reason = event.details.get("reason")
    return f": {str(reason).replace('_', ' ')}" if reason else ""


def clip_in_words(clip: Clip) -> str:
    """What happens in a clip, as far as it was noticed."""
    if not clip.eventful:
        return "Uneventful"
    return ", ".join(HAPPENINGS[one] for one in clip.reasons if one in HAPPENINGS).capitalize() or "–"
