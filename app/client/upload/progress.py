"""Bars on a terminal: one for all, and one for each file under way. In a pipe only what is waited for is said."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.client.upload.model import Item, Observer


@contextmanager
def upload_progress(total: int | None) -> Iterator[Bars]:
    """Bars on standard error while it lasts. `total` bytes are expected; None for a run without an end."""
    console = Console(stderr=True, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # rich would print what goes to a file on the terminal
    )
    with shown:
        yield Bars(shown, total)


class Bars(Observer):
    """Counts what goes out, from any thread."""

    def __init__(self, shown: Progress, total: int | None) -> None:
        self._shown = shown
        self._lock = threading.Lock()
        self._total = total
        self._all = shown.add_task("Uploading", total=total, visible=total is not None)
        self._each: dict[Path, TaskID] = {}

    def begun(self, item: Item, offset: int) -> None:
        """What a run before sent is taken off the total, or the rate would jump."""
        with self._lock:
            if self._total is not None:
                self._total -= offset
                self._shown.update(self._all, total=self._total)
            self._each[item.path] = self._shown.add_task(
                escape(item.path.name), total=item.size, completed=offset
            )

    def sent(self, item: Item, count: int) -> None:
        self._shown.advance(self._all, count)
        with self._lock:
            self._shown.advance(self._each[item.path], count)

    def ended(self, item: Item) -> None:
        with self._lock:
            if (task := self._each.pop(item.path, None)) is not None:
                self._shown.remove_task(task)

    def says(self, text: str) -> None:
        self._shown.console.print(text, markup=False, highlight=False)
