"""Recordings as rows."""

from app.recordings.models.derivations import Derivation, RecordingPart
from app.recordings.models.fingerprints import Duplicate, Fingerprint, FrameHash, Hash256
from app.recordings.models.recording import Clip, Recording, Rendition
from app.recordings.models.working import IngestStep, RecordingView

__all__ = [
    "Clip",
    "Derivation",
    "Duplicate",
    "Fingerprint",
    "FrameHash",
    "Hash256",
    "IngestStep",
    "Recording",
    "RecordingPart",
    "RecordingView",
    "Rendition",
]
