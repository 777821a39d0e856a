"""What a tool has used of the machine, and what the machine has left: to tell whose fault an end was."""

from __future__ import annotations

import os
from pathlib import Path

# A disk with less than this is full: what a tool said, or half wrote, may be cut off.
ROOM_BYTES = 1 << 20
_USER, _SYSTEM = 11, 12  # fields 14 and 15 of proc_pid_stat(5), counted after the name


def processor_seconds(pid: int) -> float:
    """Processor time of a live process, all its threads; 0 where the system does not tell (no procfs) or it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / os.sysconf("SC_CLK_TCK")


def is_full(folder: Path) -> bool:
    """True when the disk under `folder` has no room to speak of."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize < ROOM_BYTES
