"""From where on a signal counts as a finding, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares from 0 to 1 unless named; lengths in seconds, levels in decibels.

    black_*, freeze_* and silence_* are the defaults of FFmpeg's filters of those names. cut_score is scdet's score in
    per cent; its default of 10 missed a cut between dim takes of real footage that 7 finds, and nothing but cuts
    reached 5 there. motion: mean differences summed over a second, of 256; a person crossing a street, seen by a fixed
    camera, gives 0.15, the empty street 0.01. impulse_rise_db: over the median of the second before; impulse_db: the
    least level of an impulse. onset_flux: rise of the mean band level, in units of log10 of magnitude.
    """

    cut_score: float = 7.0
    black_share: float = 0.98
    black_seconds: float = 2.0
    freeze_noise: float = 0.001
    freeze_seconds: float = 2.0
    motion: float = 0.1
    motion_seconds: float = 1.0
    silence_db: float = -60.0
    silence_seconds: float = 2.0
    impulse_rise_db: float = 18.0
    impulse_db: float = -30.0
    onset_flux: float = 0.25


DEFAULT_THRESHOLDS = Thresholds()
