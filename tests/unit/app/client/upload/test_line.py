"""Pace, patience, a clean end."""

from __future__ import annotations

import io
import math
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from app.client.errors import ClientError
from app.client.upload.bandwidth import Bandwidth, Body, parse_rate
from app.client.upload.crew import Crew
from app.client.upload.model import Item
from app.client.upload.progress import Bars, upload_progress
from app.client.upload.retry import Patience
from app.client.upload.stop import Interrupted, Stop


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("500k", 500e3), ("2M", 2e6), ("2 MB/s", 2e6), ("1.5m", 1.5e6),
        ("20Mbit", 2.5e6), ("20Mbps", 2.5e6), ("8000", 8e3), ("1G", 1e9),
    ],
)  # fmt: skip
def test_rates_as_people_write_them(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "2X", "-1M", "0", "999", "1kbit", "nan"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"no rate|too slow"):
        parse_rate(text)


def test_the_limit_is_of_all_files_together() -> None:
    bandwidth, out = Bandwidth(1e6, Stop()), []

    def send() -> None:
        for _ in Body(memoryview(bytes(200_000)), bandwidth, out.append):
            pass

    start = time.monotonic()
    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    assert sum(out) == 600_000
    assert 0.3 < took < 1.5  # 0.6 s less the burst; more only on a machine that has other things to do


def test_pieces_of_a_slow_line_are_small_and_those_of_a_fast_one_are_not() -> None:
    sizes: list[int] = []
    for rate in (1000.0, 1e6, None):
        stop = Stop()
        stop.pause = lambda seconds: None  # type: ignore[method-assign]
        sizes.append(len(next(iter(Body(memoryview(bytes(10**6)), Bandwidth(rate, stop), print)))))
    assert sizes == [1024, 125_000, 2**18]


def test_a_pause_for_bandwidth_ends_with_the_command() -> None:
    stop = Stop()
    bandwidth = Bandwidth(1000, stop)
    threading.Timer(0.05, stop.tell).start()
    start = time.monotonic()
    with pytest.raises(Interrupted):
        bandwidth.take(100_000)
    assert time.monotonic() - start < 5


def test_patience_waits_ever_longer_says_for_what_and_ends() -> None:
    pauses: list[float] = []
    said: list[str] = []
    patience = Patience(60, pauses.append, said.append)
    away = ClientError("the service is away", passing=True)

    def bear_for_ever() -> None:
        while True:
            patience.bear("a.mp4", away)

    with pytest.raises(ClientError, match="away"):
        bear_for_ever()
    assert 5 <= len(pauses) <= 7
    assert [round(math.log2(pause)) for pause in pauses[:4]] == [0, 1, 2, 3]
    assert max(pauses) <= 36
    assert said[0] == "a.mp4: waiting 1 s, then going on by itself: the service is away"
    patience.relieve()
    patience.bear("a.mp4", ClientError("busy", 429, passing=True, retry_after=50))
    assert pauses[-1] == 50


def test_a_crew_works_side_by_side_and_raises_where_results_are_taken() -> None:
    meet = threading.Barrier(2, timeout=5)

    def work(number: int) -> int:
        if number == 0:
            raise KeyError("none")
        meet.wait()
        return number * 2

    crew: Crew[int, int] = Crew(work, 2)
    for number in (1, 2):
        crew.put(number)
    assert sorted(taken for _ in range(2) if (taken := crew.take(5))) == [(1, 2), (2, 4)]
    assert crew.take(0.01) is None
    crew.put(0)
    with pytest.raises(KeyError):
        crew.take(5)
    crew.dismiss()


def test_bars_count_what_arrived(tmp_path: Path) -> None:
    """What a run before sent is off the total; what must go out again is taken back."""
    out = io.StringIO()
    shown = Progress(console=Console(file=out, force_terminal=True), auto_refresh=False)
    bars, item = Bars(shown, 100), Item(tmp_path / "[a].mp4", 100, "[a].mp4")
    bars.begun(item, 40)
    bars.sent(item, 50)
    bars.sent(item, -20)
    assert [(task.completed, task.total) for task in shown.tasks] == [(30, 60), (70, 100)]
    shown.refresh()
    bars.says("waiting for [a] line")
    bars.ended(item)
    assert [task.description for task in shown.tasks] == ["Uploading"]
    assert "waiting for [a] line" in out.getvalue()


def test_in_a_pipe_there_are_no_bars(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    item = Item(tmp_path / "a.mp4", 100, "a.mp4")
    with upload_progress(100) as bars:
        bars.begun(item, 0)
        bars.sent(item, 100)
        bars.says("waiting 2 s")
        bars.ended(item)
    assert capsys.readouterr() == ("", "waiting 2 s\n")
