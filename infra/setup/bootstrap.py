"""Sets everything up on a machine that has Python and make: `python3 infra/setup/bootstrap.py runtime|dev`.

Makes `.venv`, brings the pinned uv, installs the locked packages with their hashes checked, installs the project
itself, builds the front end with the node that came with the packages, and sees that ffmpeg runs. No root, no
system package. What is done already is not done again; a step that fails says which it was and what to do.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever python3 the machine has
    sys.exit(
        f"set-up: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.11 …"
    )

import fcntl
import time
from pathlib import Path

import steps
from stamps import Stamps

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Runs the steps that are due. Exit code 1 after one failed."""
    lock = sys.argv[1] if len(sys.argv) == 2 else ""
    if lock not in ("runtime", "dev"):
        print("usage: bootstrap.py runtime|dev", file=sys.stderr)
        return 2
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "setup.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two makes at once: the second waits and finds all done
        try:
            return _run(lock)
        except steps.SetupError as error:
            print(f"set-up failed: {error}", file=sys.stderr)
            return 1


def _run(lock: str) -> int:
    began = time.monotonic()
    workshop = steps.Workshop(ROOT)
    steps.make_environment(workshop)
    stamps = Stamps(workshop.venv / "cordon-setup.json")
    done = 0
    for step in steps.plan(workshop, lock, stamps):
        if stamps.get(step.name) == step.digest and step.present():
            continue
        started = time.monotonic()
        print(f"set-up: {step.what} …", flush=True)
        step.do()
        stamps.put(step.name, step.digest)
        done += 1
        print(f"set-up: {step.what}: {time.monotonic() - started:.1f} s", flush=True)
    if done:
        print(f"set-up: all done in {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
