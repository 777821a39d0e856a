"""Real recordings for training and evaluation, each named with its licence and digest in a manifest.

Nothing is used that the manifest does not name: a file whose SHA-256 differs, or whose licence is not CC0 or
CC BY, stops the command. Roles (`train`, `calibrate`, `test`) are disjoint by author, so that a figure is never
measured on a voice, a weapon or a microphone that training heard.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

from app.detector.audio import read_audio
from app.detector.classes import CLASSES
from app.detector.errors import BadCorpus
from app.detector.features import RATE, Samples

Role = Literal["train", "calibrate", "test"]
Slice = Literal["event", "impulsive", "ambient"]
_OPEN = re.compile(r"CC0(?: 1\.0)?|CC BY(?: [1-4]\.0)?")


@dataclass(frozen=True, slots=True)
class Label:
    """A labelled interval of a recording, seconds."""

    name: str
    onset: float
    end: float


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of the manifest. `slice` of a negative says whether it resembles shots (`impulsive`)."""

    path: str
    sha256: str
    licence: str
    author: str
    source: str
    role: Role
    slice: Slice
    events: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its decoded sound: (n,) float32 at 16 kHz, peak 1."""

    recording: Recording
    samples: Samples


def _parse(entry: dict[str, Any]) -> Recording:
    events = tuple(Label(str(n), float(a), float(b)) for n, a, b in entry["events"])
    recording = Recording(**{**entry, "events": events})
    if not _OPEN.fullmatch(recording.licence):
        raise BadCorpus(f"{recording.path}: licence {recording.licence!r} is neither CC0 nor CC BY")
    if any(label.name not in CLASSES for label in events):
        raise BadCorpus(f"{recording.path}: labels must be of {', '.join(CLASSES)}")
    return recording


def _manifest_text(sound: Path) -> str:
    own = sound / "manifest.json"
    shipped = resources.files("app.detector") / "weights" / "sound.json"
    return own.read_text("utf-8") if own.is_file() else shipped.read_text("utf-8")


def manifest_digest(sound: Path) -> str:
    """SHA-256 of the manifest that applies to this folder: it names every file by its own."""
    return hashlib.sha256(_manifest_text(sound).encode()).hexdigest()


def load_manifest(sound: Path) -> list[Recording]:
    """The recordings named by `sound/manifest.json`, or by the manifest that ships with the seed weights.

    Raises BadCorpus for a manifest that cannot be read, an unknown label, or a licence that is not open.
    """
    try:
        recordings = [_parse(entry) for entry in json.loads(_manifest_text(sound))["files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCorpus(f"{sound / 'manifest.json'}: not a manifest of recordings ({error})") from error
    _refuse_overlap(recordings)
    return recordings


def _refuse_overlap(recordings: list[Recording]) -> None:
    role_of: dict[str, str] = {}
    for recording in recordings:
        if role_of.setdefault(recording.author, recording.role) != recording.role:
            raise BadCorpus(f"{recording.author}: an author's recordings must all have one role")


def load_clips(sound: Path, roles: tuple[Role, ...]) -> list[Clip]:
    """Decode the manifest's recordings of these roles, in the manifest's order.

    Raises BadCorpus when a file is missing or its SHA-256 is not the manifest's.
    """
    clips = []
    for recording in load_manifest(sound):
        if recording.role not in roles:
            continue
        path = sound / recording.path
        if not path.is_file():
            raise BadCorpus(f"{path}: named in the manifest but missing; give --sound the folder that has it")
        if hashlib.sha256(path.read_bytes()).hexdigest() != recording.sha256:
            raise BadCorpus(f"{path}: SHA-256 differs from the manifest's")
        samples = read_audio(path)
        peak = float(abs(samples).max(initial=0.0))
        clips.append(Clip(recording, cast(Samples, samples / peak if peak > 0 else samples)))
    return clips


def duration(clip: Clip) -> float:
    """Length in seconds."""
    return len(clip.samples) / RATE
