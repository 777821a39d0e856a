"""What became of a file, in words for the person who handed it over, and what to do where it was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.audit.models import AuditEvent
from app.recordings.models import Clip, Recording
from app.recordings.service import IngestProgress
from app.uploads.models import Upload

SEND_AGAIN: Final = "Choose the same file again below: sending goes on or starts anew."
EXPORT_ANEW: Final = "Export it again from the camera or the evidence system, then send the new file."
ADVICE: Final[dict[str, str]] = {
    "duplicate": "Nothing to do: the same footage was handed over before.",
    "checksum_mismatch": SEND_AGAIN,
    "damaged_in_staging": SEND_AGAIN,
    "infected": "Look for the same on the card and the computer that it came from before you send it again.",
    "not_screened": "Tell the operator and quote the file's name: the virus screen's limits are too narrow for it.",
    "expired": SEND_AGAIN,
    "terminated": SEND_AGAIN,
    "cancelled": SEND_AGAIN,
    "processing_failed": "Tell the operator and quote the file's name: this is no fault of the file.",
    "empty": EXPORT_ANEW,
    "truncated": EXPORT_ANEW,
    "undecodable": EXPORT_ANEW,
    "unusable_timing": EXPORT_ANEW,
    "staging_lost": SEND_AGAIN,
    "not_one_recording": "Send the recordings one by one: these files do not belong together.",
    "part_missing": "Send all parts of the recording together: one of them is missing.",
    "withdrawn_by_force": "Nothing to do: your force took it back.",
    "not_media": "Send the video itself, not a document, a shortcut or an archive.",
    "no_video": "Send the file that holds the pictures; sound alone is not taken.",
    "unsupported_codec": "Export it as MP4 (H.264), which every evidence system can, then send that.",
    "too_large": "Split the recording in the evidence system, then send the parts.",
    "too_costly": "Split the recording in the evidence system, then send the parts.",
    "too_many_streams": "Export the video with one picture track and one sound track.",
    "too_sparse": "Export the video at its full frame rate, not as a time lapse.",
}
STEPS: Final[dict[str, str]] = {
    "plan": "looking at what the file holds",
    "encode": "making the working copies",
    "assemble": "putting the working copies together",
    "segment": "cutting clips",
    "finish": "writing the report",
    "look": "looking for faces and voices",
    "redact": "hiding what was approved",
    "check": "checking that it is hidden",
    "store": "encrypting and storing",
}
HISTORY: Final[dict[str, str]] = {
    "upload:create": "Sending began",
    "upload:declare": "What the whole must hash to was declared",
    "upload:complete": "Every byte received and hashed",
    "upload:screened": "Screened for viruses: nothing found",
    "upload:infected": "Refused by the virus screen, and removed",
    "upload:reject": "Upload refused",
    "upload:terminate": "Upload given up",
    "upload:expire": "Upload expired",
    "recording:received": "Received whole: a receipt can be proven",
    "recording:processing": "Original stored encrypted; processing began",
    "recording:ready": "Ready: copies and clips made",
    "recording:joined": "Parts joined, nothing coded again",
    "recording:cut": "Cut anew: another set of clips made",
    "recording:exported": "Copy at a constant frame rate made",
    "derivation:requested": "Something was asked to be made of it",
    "derivation:failed": "What was asked for could not be made",
    "recording:compared": "Compared with all other footage",
    "recording:rejected": "Refused",
    "recording:described": "Details changed",
    "recording:viewed": "Looked at",
    "recording:reviewed": "Reviewed for sensitive matter",
    "recording:withdrawn": "Withdrawn",
    "recording:quarantined": "Marked as a possible real incident; quarantined",
    "recording:key-destroyed": "Its key was destroyed: nobody can read it any more",
    "recording:erased": "Erased: every copy here is gone",
    "sensitivity-review:confirmed": "Sensitivity review confirmed",
    "sensitivity-review:revoked": "Sensitivity review taken back",
    "legal-hold:placed": "Legal hold placed",
    "legal-hold:lifted": "Legal hold lifted",
    "retention:due": "Due for its retention review",
    "retention:decided": "Retention decided",
    "incident:cleared": "Cleared: training after all",
    "incident:moving-out": "To be moved out as a real incident",
    "incident:original-fetched": "The original was fetched by its force",
    "incident:moved-out": "Moved out: its force holds the original",
    "erasure:requested": "Erasure requested",
    "erasure:confirmed": "Erasure confirmed",
    "erasure:cancelled": "Erasure cancelled",
    "annotation:drafts-erased": "Labels that were never accepted were removed",
    "release:shards-erased": "Our copies in a release were erased; partners' copies need a recall",
    "clip:viewed": "A clip was looked at for labelling",
    "redaction:proposed": "Looked through for faces and voices",
    "redaction:opened": "Redaction begun",
    "redaction:changed": "Redaction changed",
    "redaction:approved": "Redaction approved",
    "redaction:cancelled": "Rendering of the redaction stopped",
    "redaction:rendering": "Rendering of the redaction began",
    "redaction:rendered": "Redacted copy and clips made",
    "redaction:failed": "Rendering of the redaction failed",
    "redaction:viewed": "The redacted copy was looked at",
}
# What a clip's reasons say happens in it; the others say only where the recording was cut.
HAPPENINGS: Final[dict[str, str]] = {
    "impulse": "sudden loud sound",
    "onset": "sound begins",
    "motion": "motion",
    "speech": "speech",
    "manual": "chosen by a person",
}

STRATEGY_WORDS: Final[dict[str, str]] = {
    "fixed_length": "a length of time",
    "scene_cut": "scenes",
    "sound_event": "sudden sounds",
    "activity": "motion",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far processing is; `percent` is None where the whole is not known yet, `detail` says more in words."""

    step: str
    percent: int | None
    detail: str = ""


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
        how = "Run the same command again" if upload.via == "direct" else "Choose the same file again"
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
    percent = min(100, int(100 * progress.done / progress.total)) if progress.total else None
    detail = ""
    if progress.unit == "frames" and progress.total:
        detail = f"frame {progress.done:,.0f} of {progress.total:,.0f}"
        detail += (
            f", {duration_in_words(progress.eta_seconds)} left" if progress.eta_seconds is not None else ""
        )
    return Progress(STEPS.get(progress.step, progress.step or "waiting for its turn"), percent, detail)


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
