"""What can go wrong in the detector, each with one line that says what to do."""

from __future__ import annotations


class DetectorError(Exception):
    """A refusal whose message is one line for the person at the terminal."""


class NoAudioTrack(DetectorError):
    """The file has pictures but no sound: nothing was listened to, which is not the same as silence."""


class Unreadable(DetectorError):
    """The file is missing, or is no sound or video that can be decoded."""


class BadModel(DetectorError):
    """The ONNX file is not one of this detector's, or is damaged."""


class BadCorpus(DetectorError):
    """A manifest of recordings does not hold: a file is missing, altered, or not under an open licence."""


class TrainingUnavailable(DetectorError):
    """torch or onnx is not installed; only training and export need them."""
