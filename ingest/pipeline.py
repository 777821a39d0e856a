"""The whole of ingest: a file in, renditions, ledger, clips and a report out; or a reason why not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ingest.errors import Cancelled, MachineFault
from ingest.ffmpeg import Tools, find_tools, version_of
from ingest.frames import Ledger
from ingest.graph import FRAMES_NAME, PCM_NAME
from ingest.hashes import digests_of
from ingest.inventory import LEDGER_NAME, clip_facts, list_renditions, source_facts
from ingest.normalise import normalise
from ingest.probe import Probe, probe
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE, Limits, Profile
from ingest.report import REPORT_NAME, ClipFacts, Recipe, Report
from ingest.segment import CLIPS_DIR, cut, fixed_length
from ingest.storyboard import write_vtt
from ingest.telemetry import TELEMETRY_NAME, extract_telemetry
from ingest.waveform import WAVEFORM_NAME, write_waveform
from ingest.workspace import SOURCE_NAME, Workspace, open_workspace

Stage = Literal["hash", "probe", "normalise", "segment", "finish"]
# Where each stage starts on the way from 0 to 1, as measured on short and long files.
_STARTS: dict[Stage, float] = {"hash": 0.0, "probe": 0.02, "normalise": 0.05, "segment": 0.85, "finish": 0.98}


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
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Report:
    """Derive everything from `source` into `workdir` and return the report, also written there as `report.json`.

    Outputs replace those of an earlier run; a run that fails or is stopped leaves `workdir` as it was. Two runs over
    the same file give the same bytes of master, proxy, clips and ledger.

    Raises FileRejected (the file's fault; never retry), MachineFault (ours; retry), Cancelled (`should_stop` said so).
    """
    notify = _Notifier(on_progress, should_stop)
    if not source.is_file():
        raise MachineFault(f"{source.name} is not a file that can be read")
    chosen = tools or find_tools()
    try:
        with open_workspace(source, workdir, chosen, limits, should_stop) as workspace:
            report = _derive(workspace, profile, notify)
            (workspace.path / REPORT_NAME).write_text(report.to_json())
            notify.at("finish")
            _publish(workspace, workdir)
            return report
    except OSError as error:
        raise MachineFault(f"{error.strerror or error}: {error.filename or workdir}") from error


class _Notifier:
    """Turns stages into fractions, and asks between stages whether to stop."""

    def __init__(self, on_progress: OnProgress | None, should_stop: Callable[[], bool] | None) -> None:
        self._on_progress = on_progress
        self._should_stop = should_stop

    def at(self, stage: Stage, part: float = 0.0) -> None:
        if self._should_stop and self._should_stop():
            raise Cancelled("stopped on request")
        stages = list(_STARTS)
        start = _STARTS[stage]
        end = 1.0 if stage == stages[-1] else _STARTS[stages[stages.index(stage) + 1]]
        if self._on_progress:
            self._on_progress(Progress(stage, start + (end - start) * min(1.0, part)))


def _derive(workspace: Workspace, profile: Profile, notify: _Notifier) -> Report:
    notify.at("hash")
    digests = digests_of(workspace.source, "sha256", "md5")
    notify.at("probe")
    facts = probe(workspace)
    told = extract_telemetry(workspace, facts)
    if not told.empty:
        (workspace.path / TELEMETRY_NAME).write_text(told.to_json())
    total = len(facts.packets.pts)
    notify.at("normalise")
    made = normalise(workspace, facts, profile, lambda frames: notify.at("normalise", frames / total))
    ledger = made.ledger
    ledger.write(workspace.path / LEDGER_NAME)
    write_vtt(workspace.path, facts, profile, ledger)
    if facts.audio:
        write_waveform(workspace.path / PCM_NAME, workspace.path / WAVEFORM_NAME)
    version = version_of(workspace.tools.ffmpeg)
    recipes = [Recipe("ffmpeg", version, made.command, asdict(profile))]
    clips: list[ClipFacts] = []
    intervals = fixed_length(ledger, made.master_keys, profile.clip_seconds, profile.clip_min_seconds)
    (workspace.path / CLIPS_DIR).mkdir()
    for number, interval in enumerate(intervals):
        notify.at("segment", number / len(intervals))
        name = f"{CLIPS_DIR}/{number:04}.mp4"
        command = cut(workspace, facts, profile, ledger, interval, name)
        recipes.append(Recipe("ffmpeg", version, command, asdict(interval)))
        clips.append(clip_facts(workspace.path, name, ledger, interval, len(recipes) - 1))
    return Report(
        source=source_facts(workspace.source, digests, facts, ledger),
        profile=profile.name,
        renditions=list_renditions(workspace.path, facts, profile),
        clips=tuple(clips),
        recipes=tuple(recipes),
        findings=(*_findings(facts, ledger), *told.findings),
    )


def _findings(facts: Probe, ledger: Ledger) -> tuple[str, ...]:
    findings = list(facts.findings)
    if facts.audio is None:
        findings.append("The file has no sound.")
    if facts.video.variable_rate:
        findings.append("Frames are not evenly spaced (variable frame rate); their times are kept.")
    missing = len(facts.packets.pts) - ledger.frame_count
    if missing > 0:
        findings.append(f"{missing} pictures could not be decoded.")
    if facts.telemetry:
        findings.append(f"Data tracks were left out: {', '.join(facts.telemetry)}.")
    return tuple(findings)


def _publish(workspace: Workspace, workdir: Path) -> None:
    """Move what was made to its place, the report last: where it stands, everything stands."""
    kept = {SOURCE_NAME, FRAMES_NAME, "stdout.txt", "stderr.txt"}
    (workdir / REPORT_NAME).unlink(missing_ok=True)
    shutil.rmtree(workdir / CLIPS_DIR, ignore_errors=True)
    for name in (PCM_NAME, WAVEFORM_NAME, TELEMETRY_NAME):
        (workdir / name).unlink(missing_ok=True)
    for path in sorted(workspace.path.iterdir(), key=lambda p: (p.name == REPORT_NAME, p.name)):
        if path.name not in kept:
            path.replace(workdir / path.name)
