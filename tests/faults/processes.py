"""Starting a campaign's own processes, and which still run: by a command line or working directory below a folder."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from app.core.processes import die_with_parent


def started(command: Sequence[str], env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """That command, in a session of its own, writing to the end of `log`; it ends however the campaign ends."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )


def running_below(folder: Path) -> list[str]:
    """Command lines of live processes, this one excepted, that name `folder` or stand in it. Zombies do not count."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = str((entry / "cwd").readlink())
            dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if not dead and (str(folder) in line or where.startswith(str(folder))):
            found.append(line.strip())
    return found


def left_after(folder: Path, seconds: float) -> list[str]:
    """What still runs below `folder` once that long was given to it to end."""
    deadline = time.monotonic() + seconds
    while (found := running_below(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def children_of(pid: int) -> Iterator[int]:
    """The processes that its threads started and that live; none where it has ended."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            yield from (int(word) for word in listed.read_text().split())
