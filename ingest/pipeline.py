"""The whole of ingest: a file in, renditions, ledger, clips and a report out; or a reason why not.

`ingest` does it in one process. A service that spreads the steps over workers calls `ingest.steps` for each, and
`finish` when all are done: the bytes are the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal

from ingest.assemble import LEDGER_NAME, Assembled, assemble
from ingest.errors import Cancelled, MachineFault
from ingest.ffmpeg import Tools, find_tools, version_of
from ingest.fingerprint import FrameHash
from ingest.frames import Ledger
from ingest.hashes import digests_of
from ingest.inventory import RENDITION_NAMES, clip_facts, list_renditions, source_facts
from ingest.plan import Plan
from ingest.probe import Probe
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE, Limits, Profile
from ingest.report import REPORT_NAME, ClipFacts, Recipe, Report
from ingest.samples import FINGERPRINT_NAME, read_fingerprint
from ingest.segment import CLIPS_DIR, cut_all
from ingest.segmentation.build import segment
from ingest.segmentation.strategy import Material
from ingest.steps import PLAN, SOUND, Forgetful, StepStore, Work, command_of, do_plan, do_step, step_names
from ingest.telemetry import TELEMETRY_NAME
from ingest.workspace import Workspace, open_workspace

Stage = Literal["hash", "plan", "encode", "assemble", "segment", "finish"]
# Where each stage starts on the way from 0 to 1, as measured on short and long files.
_STARTS: dict[Stage, float] = {
    "hash": 0.0,
    "plan": 0.02,
    "encode": 0.05,
    "assemble": 0.9,
    "segment": 0.94,
    "finish": 0.99,
}

# Damaged frames that a finding names; the ledger knows them all.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: the stage, and the whole's fraction from 0 to 1."""

    stage: Stage
    fraction: float


OnProgress = Callable[[Progress], None]


def ingest(
    source: Path,
    workdir: Path,
    *,
    profile: Profile = DEFAULT_PROFILE,
    limits: Limits = DEFAULT_LIMITS,
    tools: Tools | None = None,
    store: StepStore | None = None,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Report:
    """Derive everything from `source` into `workdir` and return the report, also written there as `report.json`.

    Outputs replace those of an earlier run; a run that fails or is stopped leaves `workdir` as it was. Two runs over
    the same file give the same bytes of every rendition, save for damaged pictures that are left to chance
    (`ingest.damage`). Steps that `store` keeps are not done again.

    Raises FileRejected (the file's fault; never retry), MachineFault (ours; retry), Cancelled (`should_stop` said so).
    """
    notify = Notifier(on_progress, should_stop)
    if not source.is_file():
        raise MachineFault(f"{source.name} is not a file that can be read")
    chosen = tools or find_tools()
    try:
        with open_workspace(source, workdir, chosen, limits, should_stop) as workspace:
            notify.at("hash")
            digests = digests_of(workspace.source, "sha256", "md5")
            work = Work(workspace, digests["sha256"], profile, store or Forgetful())
            report = finish(work, *_do_steps(work, digests["md5"], notify), notify)
            _publish(workspace, workdir, report)
            return report
    except OSError as error:
        raise MachineFault(f"{error.strerror or error}: {error.filename or workdir}") from error


class Notifier:
    """Turns stages into fractions, and asks between stages whether to stop."""

    def __init__(self, on_progress: OnProgress | None, should_stop: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._should_stop = should_stop

    def at(self, stage: Stage, part: float = 0.0) -> None:
        """Report that `part` (0 to 1) of the stage is done. Raises Cancelled."""
        if self._should_stop and self._should_stop():
            raise Cancelled("stopped on request")
        stages = list(_STARTS)
        start = _STARTS[stage]
        end = 1.0 if stage == stages[-1] else _STARTS[stages[stages.index(stage) + 1]]
        if self._on_progress:
            self._on_progress(Progress(stage, start + (end - start) * min(1.0, part)))


def _do_steps(work: Work, md5: str, notify: Notifier) -> tuple[Plan, dict[str, Path]]:
    notify.at("plan")
    plan = do_plan(work, md5)
    made: dict[str, Path] = {}
    done = 0
    for name in step_names(plan):
        made[name] = do_step(work, plan, name, partial(_count, notify, done, plan.frames))
        done += plan.frames_of(name)
    return plan, made


def _count(notify: Notifier, before: int, total: int, frames: int) -> None:
    notify.at("encode", (before + frames) / total)


def finish(work: Work, plan: Plan, made: Mapping[str, Path], notify: Notifier) -> Report:
    """Assemble what the steps left in the directories `made`, cut the clips, and describe it all."""
    notify.at("assemble")
    workspace, profile = work.workspace, work.profile
    parts = [made[chunk.name] for chunk in plan.chunks]
    sound = made.get(SOUND)
    whole = assemble(workspace, plan, parts, sound, profile)
    if (told := workspace.path / PLAN / TELEMETRY_NAME).exists():
        told.replace(workspace.path / TELEMETRY_NAME)
    version = version_of(workspace.tools.ffmpeg)
    chunks = {"chunks": [asdict(chunk) for chunk in plan.chunks]}
    recipes = [
        Recipe("ffmpeg", version, command_of(parts[0]), profile.parameters() | chunks),
        Recipe("ffmpeg", version, whole.command, {}),
    ]
    if sound:
        recipes.append(Recipe("ffmpeg", version, command_of(sound), asdict(plan.measured)))
    clips = _cut_clips(work, plan, whole, recipes, notify)
    notify.at("finish")
    report = Report(
        source=source_facts(
            workspace.source.stat().st_size, work.sha256, plan.md5, plan.source, whole.ledger
        ),
        profile=profile.name,
        renditions=list_renditions(workspace.path, plan.source, profile),
        clips=clips,
        recipes=tuple(recipes),
        findings=_findings(plan.source, whole.ledger),
    )
    (workspace.path / REPORT_NAME).write_text(report.to_json())
    return report


def fingerprint_of(folder: Path, report: Report) -> list[FrameHash]:
    """The vPDQ of what was made in `folder`."""
    ledger, rate = Ledger.read(folder / LEDGER_NAME), Fraction(report.source.average_rate)
    return read_fingerprint(folder / FINGERPRINT_NAME, ledger, rate)


def _cut_clips(
    work: Work, plan: Plan, whole: Assembled, recipes: list[Recipe], notify: Notifier
) -> tuple[ClipFacts, ...]:
    workspace, profile, ledger = work.workspace, work.profile, whole.ledger
    # the pictures of a copied master may be stored in another order than they are shown in
    material = Material(ledger, whole.master_keys, whole.findings, free_ends=not plan.copied)
    intervals = segment(material, profile.segments)
    clips: list[ClipFacts] = []
    for cut in cut_all(workspace, profile, ledger, intervals, sound=plan.source.audio is not None):
        notify.at("segment", len(clips) / len(intervals))
        if recipes[-1].command != cut.command:
            recipes.append(Recipe("ffmpeg", version_of(workspace.tools.ffmpeg), cut.command, {}))
        clips.append(clip_facts(workspace.path, cut.path, ledger, cut.interval, len(recipes) - 1))
    return tuple(clips)


def _findings(facts: Probe, ledger: Ledger) -> tuple[str, ...]:
    findings = list(facts.findings)
    if facts.audio is None:
        findings.append("The file has no sound.")
    if facts.video.variable_rate:
        findings.append("Frames are not evenly spaced (variable frame rate); their times are kept.")
    missing = len(facts.packets.pts) - ledger.frame_count
    if missing > 0:
        findings.append(f"{missing} pictures could not be decoded.")
    if damaged := ledger.uncertain:
        shown = ", ".join(str(ordinal) for ordinal in damaged[:_NAMED]) + (" …" if damaged[_NAMED:] else "")
        findings.append(
            f"{len(damaged)} pictures are damaged; what stands in place of their lost parts is chance: frames {shown}."
        )
    if facts.telemetry:
        findings.append(f"Data tracks were left out: {', '.join(facts.telemetry)}.")
    return tuple(findings)


def _publish(workspace: Workspace, workdir: Path, report: Report) -> None:
    """Move what was made to its place, the report last: where it stands, everything stands."""
    for name in (REPORT_NAME, *RENDITION_NAMES):
        (workdir / name).unlink(missing_ok=True)
    shutil.rmtree(workdir / CLIPS_DIR, ignore_errors=True)
    for name in (*(one.path for one in report.renditions), CLIPS_DIR, REPORT_NAME):
        (workspace.path / name).replace(workdir / name)
