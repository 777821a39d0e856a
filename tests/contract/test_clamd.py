"""What screening by clamd promises, asked of a small server that speaks its protocol and, where it is, of ClamAV's."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from app.uploads.service.clamd import OVERLAP, Clamd
from app.uploads.service.errors import ScreenUnavailable
from app.uploads.service.screening import ScreenIncomplete, Verdict
from tests.factories.clamd import EICAR, FakeClamd, find_clamd, real_clamd

MIB = 2**20
STREAM_MAX = 2 * MIB


@pytest.fixture(scope="module", params=["small", "real"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A daemon that takes 2 MiB at a time."""
    with tempfile.TemporaryDirectory(prefix="clamd-") as name:
        if request.param == "small":
            daemon = FakeClamd(Path(name) / "clamd.sock").start(stream_max=STREAM_MAX)
            yield daemon.address
            daemon.stop()
            return
        program = find_clamd()
        if program is None:
            pytest.skip("ClamAV's clamd is not installed")
        with real_clamd(program, Path(name) / "real", STREAM_MAX) as where:
            yield where


def look(address: str, data: bytes, window: int = STREAM_MAX) -> Verdict:
    def read(start: int, end: int) -> BinaryIO:
        return io.BytesIO(data[start:end])

    return Clamd(address, window).look(read, len(data), lambda: None)


def test_it_says_what_it_is(address: str) -> None:
    assert Clamd(address, STREAM_MAX).engine().startswith("ClamAV ")


def test_clean_bytes_pass_and_infected_ones_are_named(address: str) -> None:
    clean = look(address, os.urandom(MIB))
    assert (clean.found, clean.windows) == (None, 1)
    found = look(address, os.urandom(1000) + EICAR + os.urandom(1000)).found
    assert found is not None
    assert found.startswith("Eicar-Test")


def test_what_lies_behind_the_first_window_and_over_its_edge_is_seen(address: str) -> None:
    length = 5 * MIB
    data = bytearray(os.urandom(length))
    assert look(address, bytes(data)).windows == 3
    for place in (length - 500, STREAM_MAX - len(EICAR) // 2):
        infected = bytearray(data)
        infected[place : place + len(EICAR)] = EICAR
        assert look(address, bytes(infected)).found is not None


def test_a_daemon_that_takes_less_is_shown_less(address: str) -> None:
    data = os.urandom(3 * MIB) + EICAR
    verdict = look(address, data, window=8 * MIB)
    assert (verdict.found is not None, verdict.window_bytes) == (True, (3 * MIB + len(EICAR)) // 2)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[FakeClamd]:
    daemon = FakeClamd(tmp_path / "clamd.sock")
    yield daemon
    daemon.stop()


def test_windows_overlap_and_are_as_long_as_they_may_be(small: FakeClamd) -> None:
    small.start()
    look(small.address, bytes(2 * MIB + 1), window=MIB)
    assert small.streams == [MIB, MIB, 2 * OVERLAP + 1]


def test_what_it_says_before_it_hangs_up_counts(small: FakeClamd) -> None:
    """It answers and is gone before the file is half sent: more than any socket holds."""
    small.start(answer=b"stream: Can't allocate memory ERROR")
    with pytest.raises(ScreenUnavailable, match="allocate"):
        look(small.address, bytes(8 * MIB), window=8 * MIB)
    small.stop()
    small.start(answer=b"stream: OK")  # of what it did not see
    with pytest.raises(ScreenUnavailable, match="a part"):
        look(small.address, bytes(8 * MIB), window=8 * MIB)
    small.stop()
    small.start(answer=b"stream: Eicar-Test FOUND")
    assert look(small.address, bytes(8 * MIB), window=8 * MIB).found == "Eicar-Test"


def test_no_answer_is_never_a_pass(small: FakeClamd) -> None:
    with pytest.raises(ScreenUnavailable, match="cannot be reached"):
        look(small.address, b"x")
    small.start(answer=b"stream: Can't allocate memory ERROR")
    with pytest.raises(ScreenUnavailable, match="allocate"):
        look(small.address, b"x")
    small.stop()
    small.start(answer=b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND")
    with pytest.raises(ScreenIncomplete, match="MaxFileSize"):
        look(small.address, b"x")
    small.stop()
    small.start(stream_max=10)
    with pytest.raises(ScreenUnavailable, match="StreamMaxLength"):
        look(small.address, bytes(100))
