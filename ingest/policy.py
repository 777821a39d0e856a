"""What a confined process may do, and the command that confines it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from ingest import sandbox


@dataclass(frozen=True, slots=True)
class Policy:
    """What a confined process may read and write (absolute paths), and how much it may use.

    `processes` counts all of the user's threads on the machine (RLIMIT_NPROC), so it is a stop for fork bombs only.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    cpu_seconds: int
    file_bytes: int
    memory_bytes: int
    processes: int = 4096


def wrap(policy: Policy, argv: list[str]) -> list[str]:
    """Return the command that runs `argv` under `policy`. `argv[0]` must be an absolute path."""
    limits = (policy.cpu_seconds, policy.file_bytes, policy.memory_bytes, policy.processes)
    paths = [str(len(policy.read)), *policy.read, str(len(policy.write)), *policy.write]
    script = [sys.executable, "-I", "-S", sandbox.__file__]
    return [*script, *map(str, limits), *paths, str(os.getpid()), *argv]
