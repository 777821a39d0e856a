"""The steps of an ingest. Each has a key that names all that decides its output: what was done is not done again.

    plan        probe and measure the source, decide where it is cut
    encode-N    one chunk, from one decode (`ingest.encode`)
    sound       the sound of the whole (`ingest.sound`)

What they leave is joined by `ingest.assemble`. A step runs in a directory of its own; whoever runs it says where its
files are kept, so that another worker, or the next attempt, finds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from ingest.encode import encode
from ingest.ffmpeg import version_of
from ingest.plan import Plan, make_plan
from ingest.profiles import Profile
from ingest.sound import code_sound
from ingest.telemetry import TELEMETRY_NAME, extract_telemetry
from ingest.workspace import Workspace

# Raise it when a step's output changes for the same input, profile and ffmpeg.
STEPS_VERSION = 4
COMMAND_NAME = "command.json"
PLAN, SOUND = "plan", "sound"
OnFrames = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work on one source: its name and the digest of all that decides its output."""

    name: str
    key: str


class StepStore(Protocol):
    """Where the output of steps is kept between runs."""

    def fetch(self, step: Step, into: Path) -> bool:
        """Put the step's files into the directory `into`; False when it was not done yet."""

    def keep(self, step: Step, made: Path) -> None:
        """Keep the files that the step left in `made`."""


class Forgetful:
    """Keeps nothing: for a run that is done in one go."""

    def fetch(self, step: Step, into: Path) -> bool:  # noqa: ARG002
        return False

    def keep(self, step: Step, made: Path) -> None:
        """Nobody will ask for it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What every step needs: the source in its workspace, its digest, the profile, and where steps are kept."""

    workspace: Workspace
    sha256: str
    profile: Profile
    store: StepStore

    def step(self, name: str) -> Step:
        """The step of that name on this source."""
        tools = [version_of(self.workspace.tools.ffmpeg), version_of(self.workspace.tools.ffprobe)]
        tools += [version(name) for name in ("pillow", "hvdaccelerators", "pyarrow")]
        decides = [STEPS_VERSION, tools, self.sha256, self.profile.coding(), name]
        return Step(name, hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest())

    def perform(self, name: str, run: Callable[[Workspace], None]) -> Path:
        """Return the directory with the step's output, made by `run` unless it is kept already."""
        inside, step = self.workspace.inside(name), self.step(name)
        if not self.store.fetch(step, inside.path):
            run(inside)
            inside.clear()
            self.store.keep(step, inside.path)
        return inside.path


def step_names(plan: Plan) -> list[str]:
    """The steps that follow the plan, in any order; then the recording can be assembled."""
    sound = [SOUND] if plan.source.audio else []
    return [*sound, *(chunk.name for chunk in plan.chunks)]


def do_plan(work: Work, md5: str | None = None) -> Plan:
    """Plan the work on the source; `md5`, if it is known, is the source's. Raises FileRejected with the reason."""
    return Plan.read(work.perform(PLAN, lambda inside: _plan(inside, work.profile, md5)))


def _plan(inside: Workspace, profile: Profile, md5: str | None) -> None:
    plan = make_plan(inside, profile, md5)
    told = extract_telemetry(inside, plan.source)
    if not told.empty:
        (inside.path / TELEMETRY_NAME).write_text(told.to_json())
    plan.with_findings(told.findings).write(inside.path)


def do_step(work: Work, plan: Plan, name: str, on_frames: OnFrames | None = None) -> Path:
    """Perform one of `step_names`; returns the directory with its files. `on_frames`: see `ingest.encode`."""
    if name == SOUND:
        return work.perform(name, lambda inside: _note(inside, code_sound(inside, plan, work.profile)))
    chunk = next(chunk for chunk in plan.chunks if chunk.name == name)
    return work.perform(
        name, lambda inside: _note(inside, encode(inside, plan, chunk, work.profile, on_frames))
    )


def _note(inside: Workspace, command: tuple[str, ...]) -> None:
    (inside.path / COMMAND_NAME).write_text(json.dumps(command))


def command_of(made: Path) -> tuple[str, ...]:
    """The command that a step ran."""
    return tuple(json.loads((made / COMMAND_NAME).read_text()))
