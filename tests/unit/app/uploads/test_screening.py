"""Screening: an operator's own function, several screens, and what an administrator is told."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import pytest

from app.doctor import examine
from app.settings import Settings, SettingsError
from app.uploads.service.errors import ScreenUnavailable
from app.uploads.service.screening import (
    FunctionScreen,
    Screen,
    ScreenIncomplete,
    Verdict,
    plain,
    screened,
    screens_of,
    state_of_screens,
)
from tests.factories.clamd import FakeClamd
from tests.factories.home import make_home, make_settings

DATA = b"what was handed over"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(make_home(tmp_path / "home"))


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """A package of the operator's."""
    made = ModuleType("operators_screen")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def read(start: int, end: int) -> BinaryIO:
    return io.BytesIO(DATA[start:end])


def look(screen: Screen) -> Verdict:
    return screen.look(read, len(DATA), lambda: None)


def test_a_function_of_ones_own_is_given_the_bytes(module: ModuleType) -> None:
    seen: list[tuple[bytes, int]] = []

    def found(stream: BinaryIO, length: int) -> str:
        seen.append((stream.read(), length))
        return "Bad\nthing"

    module.look = found  # type: ignore[attr-defined]
    assert look(FunctionScreen("operators_screen:look")).found == "Bad?thing"
    assert seen == [(DATA, len(DATA))]
    module.look = lambda _stream, _length: None  # type: ignore[attr-defined]
    assert look(FunctionScreen("operators_screen:look")).found is None


@pytest.mark.parametrize("answer", [True, "", 0, b"x"])
def test_a_function_that_answers_something_else_lets_nothing_pass(module: ModuleType, answer: object) -> None:
    module.look = lambda _stream, _length: answer  # type: ignore[attr-defined]
    with pytest.raises(ScreenUnavailable):
        look(FunctionScreen("operators_screen:look"))


def test_a_function_that_fails_lets_nothing_pass(module: ModuleType) -> None:
    module.look = lambda _stream, _length: 1 / 0  # type: ignore[attr-defined]
    with pytest.raises(ScreenUnavailable, match="ZeroDivisionError"):
        look(FunctionScreen("operators_screen:look"))


@pytest.mark.parametrize("name", ["nowhere_at_all:look", "json:absent", "json:__name__"])
def test_what_cannot_be_loaded_is_said(settings: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match="CORDON_SCREEN"):
        screens_of(replace(settings, screen=name))
    state = state_of_screens(replace(settings, screen=name))
    assert (state.configured, state.working) == (True, False)


class Says:
    """A screen that says what it was told to."""

    def __init__(self, answer: str | Exception | None) -> None:
        self.answer, self.asked = answer, 0

    def engine(self) -> str:
        return "Says"

    def look(self, *_: object) -> Verdict:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return Verdict("Says", self.answer)


def test_the_first_that_refuses_ends_it() -> None:
    clean, bad, last = Says(None), Says("Bad"), Says(None)
    seen = screened([clean, bad, last], read, len(DATA), lambda: None)
    assert seen.refusal is not None
    assert (seen.refusal.code, "Bad" in seen.refusal.reason, last.asked) == ("infected", True, 0)
    unsure = screened([Says(ScreenIncomplete("too long"))], read, len(DATA), lambda: None)
    assert unsure.refusal is not None
    assert unsure.refusal.code == "not_screened"
    assert screened([clean], read, len(DATA), lambda: None).refusal is None


def test_what_a_screen_says_is_fit_for_a_page() -> None:
    assert plain("Win.Test-1\x1b[31m é") == "Win.Test-1?[31m ?"
    assert len(plain("x" * 1000)) == 120


def test_an_administrator_is_told_of_no_screen_and_of_one_that_is_away(
    settings: Settings, tmp_path: Path
) -> None:
    daemon = FakeClamd(tmp_path / "clamd.sock")

    def finding(**more: str) -> tuple[str, str]:
        given = {"CORDON_HOME": str(settings.home), "CORDON_SECRET_KEY": settings.secret_key} | more
        found = next(one for one in examine(given) if one.check == "virus screen")
        return found.level, found.detail

    assert finding()[0] == "warn"
    assert finding(CORDON_CLAMD=daemon.address)[0] == "fail"
    daemon.start()
    try:
        assert finding(CORDON_CLAMD=daemon.address) == ("ok", "ClamAV 0.0.0/1/of a test")
    finally:
        daemon.stop()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CORDON_CLAMD", "/run/clamd.sock"),
        ("CORDON_CLAMD", "unix://run/clamd.sock"),
        ("CORDON_CLAMD", "tcp://localhost"),
        ("CORDON_CLAMD", "tcp://localhost:99999"),
        ("CORDON_CLAMD_STREAM_BYTES", "1000"),
        ("CORDON_SCREEN", "clamscan --quiet"),
    ],
)
def test_settings_that_name_no_screen_are_refused(settings: Settings, variable: str, value: str) -> None:
    given = {"CORDON_HOME": str(settings.home), "CORDON_SECRET_KEY": settings.secret_key, variable: value}
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environ(given)
