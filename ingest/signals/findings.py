"""Everything found in pictures and sound, as one value and as the file `signals.json`.

Format: docs/formats.md, "signals.json".
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.errors import Unexplained
from ingest.frames import Ledger
from ingest.intervals import Span
from ingest.signals.heard import SoundEvent, find_silence, find_sounds
from ingest.signals.pictures import PIXELS, PictureSignals
from ingest.signals.seen import (
    Cut,
    find_black,
    find_cuts,
    find_frozen,
    find_motion,
    per_second,
    seconds_of,
)
from ingest.signals.sound import HOPS_PER_SECOND, SoundSignals
from ingest.signals.thresholds import DEFAULT_THRESHOLDS, Thresholds

SIGNALS_NAME = "signals.json"
SIGNALS_VERSION = 1


@dataclass(frozen=True, slots=True)
class Curves:
    """One value for each second after the first frame, None where nothing begins in it: `light` mean of the pictures
    from 0 to 1, `change` sum of the mean differences, each from 0 to 1, `level` greatest of the sound's levels, in dB
    against full scale.

    Empty where pictures or sound were not measured.
    """

    light: tuple[float | None, ...] = ()
    change: tuple[float | None, ...] = ()
    level: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found. Intervals are half-open, in frames of the ledger; `pictures` and `sound` say what was measured:
    no finding of what was not measured means nothing. `speech` is what the caller's own detector found, None without
    one."""

    frame_count: int
    pictures: bool
    sound: bool
    cuts: tuple[Cut, ...] = ()
    black: tuple[Span, ...] = ()
    frozen: tuple[Span, ...] = ()
    motion: tuple[Span, ...] = ()
    silence: tuple[Span, ...] = ()
    sounds: tuple[SoundEvent, ...] = ()
    speech: tuple[Span, ...] | None = None
    curves: Curves = Curves()
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    version: int = SIGNALS_VERSION

    def to_json(self) -> str:
        """Return the findings as JSON, keys in order of declaration."""
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Findings:
        """Read what `to_json` wrote. Raises ValueError for another version, TypeError or KeyError for a wrong shape."""
        raw = json.loads(text)
        if raw.get("version") != SIGNALS_VERSION:
            raise ValueError(f"signals version {raw.get('version')} is not {SIGNALS_VERSION}")
        spans = {name: tuple(Span(**one) for one in raw[name]) for name in _SPANS if raw[name] is not None}
        lists: dict[str, Any] = {
            "cuts": tuple(Cut(**one) for one in raw["cuts"]),
            "sounds": tuple(SoundEvent(**one) for one in raw["sounds"]),
            "curves": Curves(**{name: tuple(values) for name, values in raw["curves"].items()}),
            "thresholds": Thresholds(**raw["thresholds"]),
        }
        return cls(**(raw | spans | lists))

    @classmethod
    def read(cls, workdir: Path) -> Findings | None:
        """Read `signals.json` of an ingest; None where there is none."""
        path = workdir / SIGNALS_NAME
        return cls.from_json(path.read_text()) if path.exists() else None


_SPANS = ("black", "frozen", "motion", "silence", "speech")


def analyse(
    ledger: Ledger,
    pictures: PictureSignals | None,
    sound: SoundSignals | None,
    limits: Thresholds = DEFAULT_THRESHOLDS,
    speech: tuple[Span, ...] | None = None,
) -> Findings:
    """Turn signals into findings. Raises Unexplained when there are not as many pictures as the ledger has frames."""
    if pictures and pictures.frame_count != ledger.frame_count:
        raise Unexplained(f"{pictures.frame_count} grey pictures for {ledger.frame_count} frames")
    found: dict[str, Any] = {}
    if pictures:
        found |= {
            "cuts": find_cuts(pictures, limits),
            "black": find_black(pictures, ledger, limits),
            "frozen": find_frozen(pictures, ledger, limits),
            "motion": find_motion(pictures, ledger, limits),
        }
    if sound:
        found |= {
            "silence": find_silence(sound, ledger, limits),
            "sounds": find_sounds(sound, ledger, limits),
        }
    return Findings(
        ledger.frame_count,
        pictures is not None,
        sound is not None,
        **found,
        speech=speech,
        curves=_curves(ledger, pictures, sound),
        thresholds=limits,
    )


def _curves(ledger: Ledger, pictures: PictureSignals | None, sound: SoundSignals | None) -> Curves:
    light: tuple[float | None, ...] = ()
    change, level = light, light
    if pictures:
        seconds = seconds_of(ledger)
        light = _values(per_second(pictures.light / (PIXELS * 255.0), seconds), 4)
        sums = np.bincount(seconds, weights=pictures.change / (PIXELS * 255.0))
        change = _values(sums.astype(np.float64), 4)
    if sound:
        starts = range(0, len(sound.level), HOPS_PER_SECOND)
        level = _values(np.array([sound.level[at : at + HOPS_PER_SECOND].max() for at in starts]), 1)
    return Curves(light, change, level)


def _values(values: NDArray[np.float64], digits: int) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else round(float(value), digits) for value in values)
