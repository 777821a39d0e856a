"""Screening what was received before it is kept: for viruses, or for whatever an operator's own function looks for.

A screen that does not answer stops the upload where it is; nothing passes because nobody looked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any, BinaryIO, Protocol

from app.settings import Settings, SettingsError
from app.uploads.service.errors import ScreenUnavailable

MOST_TEXT = 120
Read = Callable[[int, int], BinaryIO]  # bytes [start, end) of what is looked at
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a screen says of a file. `found` names what was found; `windows` is in how many pieces, of at most
    `window_bytes`, it was looked at: what shows only in the whole is not seen in pieces."""

    engine: str
    found: str | None = None
    windows: int = 1
    window_bytes: int | None = None

    def as_details(self) -> dict[str, Any]:
        """For the upload's row and the log."""
        said = {"engine": self.engine, "windows": self.windows, "window_bytes": self.window_bytes}
        return said | ({"found": self.found} if self.found else {})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an upload cannot be kept, as `lifecycle.reject` takes it."""

    code: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Screened:
    """What all screens said; none after the first that refuses."""

    verdicts: tuple[Verdict, ...]
    refusal: Refusal | None = None


class ScreenIncomplete(Exception):
    """The screen looked and gave up: it cannot say that the file is clean."""


class Screen(Protocol):
    """One screen. Methods raise ScreenUnavailable."""

    def look(self, read: Read, length: int, check: Check) -> Verdict:
        """Looks at `length` bytes. `check` may raise to stop. Raises ScreenIncomplete."""

    def engine(self) -> str:
        """What it is and of which version, as it says itself now."""


def screened(screens: Sequence[Screen], read: Read, length: int, check: Check) -> Screened:
    """Has every screen look. Raises ScreenUnavailable: then nothing is known."""
    verdicts: list[Verdict] = []
    for screen in screens:
        try:
            verdict = screen.look(read, length, check)
        except ScreenIncomplete as gave_up:
            reason = f"The virus screen could not look at all of this file ({gave_up}): tell the operator"
            return Screened(tuple(verdicts), Refusal("not_screened", reason, {"screen": str(gave_up)}))
        verdicts.append(verdict)
        if verdict.found:
            reason = f"The virus screen found {verdict.found} in this file: it was removed and not kept"
            return Screened(tuple(verdicts), Refusal("infected", reason, {"screens": [verdict.as_details()]}))
    return Screened(tuple(verdicts))


class FunctionScreen:
    """An operator's own: `function(stream, length) -> str | None`, which names what it found. It may raise anything,
    which counts as no answer."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._function = _load(name)

    def engine(self) -> str:
        return self._name

    def look(self, read: Read, length: int, check: Check) -> Verdict:
        check()
        with read(0, length) as stream:
            try:
                found = self._function(stream, length)
            except Exception as error:
                raise ScreenUnavailable(f"CORDON_SCREEN failed: {type(error).__name__}") from error
        if found is not None and not (isinstance(found, str) and found):
            raise ScreenUnavailable("CORDON_SCREEN answered neither None nor what it found")
        return Verdict(self._name, plain(found) if found else None)


def _load(name: str) -> Callable[[BinaryIO, int], object]:
    try:
        function: object = EntryPoint("screen", name, "cordon").load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"CORDON_SCREEN cannot be loaded: {error}") from None
    if not callable(function):
        raise SettingsError(f"CORDON_SCREEN is no function: {name}")
    return function


def plain(text: str) -> str:
    """What a screen said, fit for a page and a log: printable ASCII, not long."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:MOST_TEXT]


def screens_of(settings: Settings) -> tuple[Screen, ...]:
    """The configured screens, none perhaps. Raises SettingsError for a function that cannot be loaded."""
    from app.uploads.service.clamd import Clamd

    screens: list[Screen] = []
    if settings.clamd:
        screens.append(Clamd(settings.clamd, settings.clamd_stream_bytes))
    if settings.screen:
        screens.append(FunctionScreen(settings.screen))
    return tuple(screens)


@dataclass(frozen=True, slots=True)
class ScreenState:
    """For an administrator: what screens uploads, and whether it can just now."""

    text: str
    configured: bool
    working: bool


def state_of_screens(settings: Settings) -> ScreenState:
    """Asks each configured screen what it is."""
    try:
        engines = [screen.engine() for screen in screens_of(settings)]
    except (ScreenUnavailable, SettingsError) as error:
        return ScreenState(str(error), configured=True, working=False)
    if not engines:
        return ScreenState("none: uploads are not screened", configured=False, working=False)
    return ScreenState(", ".join(engines), configured=True, working=True)
