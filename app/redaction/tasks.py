"""Jobs of redaction: looking a recording through, and rendering what a person approved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import numpy as np

from app.jobs import DoubtfulFault, JobAborted, JobContext, MachineFault, Superseded, task
from app.recordings.ledger import load_ledger
from app.recordings.service import job_directory
from app.redaction.service import proposing, rendering, sweeping
from app.redaction.service.proposing import Material
from app.redaction.service.rendering import Order, StoredFile
from app.storage.vault import Vault
from ingest import errors as ingest_errors
from ingest.ffmpeg import Tools, find_tools, version_of
from ingest.frames import Ledger
from ingest.graph import MASTER_NAME
from ingest.hashes import sha256_of
from ingest.probe import Probe, probe
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE
from ingest.redact.detectors import CenterFace, Detector, NamedDetector
from ingest.redact.masks import Grid
from ingest.redact.propose import Proposals
from ingest.redact.propose import propose as look_through
from ingest.redact.render import Rendered, render
from ingest.redact.verify import Verified, verify
from ingest.segment import cut_all
from ingest.workspace import Workspace, open_workspace


@task("redaction.propose", max_attempts=None)
def propose(job: JobContext, *, recording_id: UUID) -> None:
    """Looks a ready recording through for faces, voices and what the operator's weights find; once."""
    job.begin("redaction", recording_id)
    with job.db.transaction() as session:
        job.confirm(session)
        source = proposing.material(session, recording_id)
        if source is None or proposing.has_redaction(session, recording_id):
            return
        ledger = load_ledger(job.resource(Vault), session, source.recording)
    with _translated(), job_directory(job.settings.work_dir) as directory:
        detectors = _detectors(job.settings.region_detector)
        found = _look(job, source, ledger, list(detectors.values()), directory)
    with job.db.transaction() as session:
        job.confirm(session)
        proposing.commit_proposals(
            session, recording_id, found, ledger, ", ".join([*detectors, "Silero VAD"])
        )


def _detectors(named: str) -> dict[str, Detector]:
    detectors: dict[str, Detector] = {"CenterFace": CenterFace()}
    return detectors | ({Path(named).name: NamedDetector(Path(named))} if named else {})


def _look(
    job: JobContext, source: Material, ledger: Ledger, detectors: list[Detector], directory: Path
) -> Proposals:
    job.progress("fetch")
    vault, master, pcm = job.resource(Vault), directory / "original", directory / "audio.wav"
    vault.fetch(source.key, source.master, master, job.check)
    if source.pcm:
        vault.fetch(source.key, source.pcm, pcm, job.check)

    def on_frame(frame: int) -> None:
        job.progress("look", done=frame, total=ledger.frame_count, unit="frames")

    with _workspace(job, master, directory) as workspace:
        video = probe(workspace).video
        size = (video.width, video.height)
        heard = pcm if source.pcm else None
        return look_through(workspace, ledger, detectors, size=size, pcm=heard, on_frame=on_frame)


@task("redaction.render", max_attempts=None)
def render_approved(job: JobContext, *, redaction_id: UUID) -> None:
    """Renders what was approved, checks it, cuts its clips, and makes them count exactly once."""
    vault = job.resource(Vault)
    with job.db.transaction() as session:
        recording_id = rendering.recording_of(session, redaction_id)
    if recording_id is None:
        return
    job.begin("redaction", recording_id)
    with job.db.transaction() as session:
        job.confirm(session)
        order = rendering.begin(session, redaction_id, job_id=job.id)
        ledger = load_ledger(vault, session, order.material.recording) if order else None
    if order is None or ledger is None:
        return
    try:
        with _translated():
            _render(job, vault, order, ledger)
    except ingest_errors.FileRejected as refused:
        with job.db.transaction() as session:
            job.confirm(session)
            rendering.fail(session, redaction_id, refused.message, job_id=job.id)
    except (Superseded, JobAborted):
        with job.db.transaction() as session:
            rendering.end_if_gone(session, redaction_id, job_id=job.id)
        sweeping.remove_strays(job.db, vault, order.prefix)
        raise
    sweeping.remove_strays(job.db, vault, order.prefix)


def _render(job: JobContext, vault: Vault, order: Order, ledger: Ledger) -> None:
    master: StoredFile | None = None
    clips: dict[UUID, StoredFile] = {}
    made_by: dict[str, object] = {"regions": 0}
    if order.regions:
        with job_directory(job.settings.work_dir) as directory:
            source = directory / "original"
            job.progress("fetch")
            vault.fetch(order.material.key, order.material.master, source, job.check)
            with _workspace(job, source, directory) as workspace:
                facts = probe(workspace)
                made, seen = _redact(job, workspace, facts, ledger, order)
                master, clips = _store(job, vault, workspace, facts, ledger, order)
        made_by = _made_by(order, made, seen, version_of(_tools(job).ffmpeg))
    with job.db.transaction() as session:
        job.confirm(session)
        rendering.commit_render(
            session, order.redaction_id, job_id=job.id, master=master, clips=clips, made_by=made_by
        )


def _redact(
    job: JobContext, workspace: Workspace, facts: Probe, ledger: Ledger, order: Order
) -> tuple[Rendered, Verified]:
    def on_frames(frames: int) -> None:
        job.progress("redact", done=frames, total=ledger.frame_count, unit="frames")

    made = render(workspace, facts, DEFAULT_PROFILE, ledger, order.regions, on_frames)
    job.progress("check")
    grid, keys = Grid(facts.video.width, facts.video.height), np.flatnonzero(facts.packets.key)
    return made, verify(workspace, grid, order.regions, keys, made.block, keys=True)


def _store(
    job: JobContext, vault: Vault, workspace: Workspace, facts: Probe, ledger: Ledger, order: Order
) -> tuple[StoredFile, dict[UUID, StoredFile]]:
    """The master and, cut from it exactly as the recording's own clips were, its clips; each encrypted."""
    prefix = f"{order.prefix}{job.attempt_key}"

    def keep(name: str, blob_key: str) -> StoredFile:
        path = workspace.path / name
        with path.open("rb") as file:
            size = vault.write(order.material.key, blob_key, file)
        return StoredFile(blob_key, size, bytes.fromhex(sha256_of(path)))

    clips = {}
    cutting = cut_all(
        workspace, DEFAULT_PROFILE, ledger, list(order.clips.values()), sound=facts.audio is not None
    )
    for number, (clip_id, made) in enumerate(zip(order.clips, cutting, strict=True)):
        job.check()
        job.progress("segment", done=number, total=len(order.clips), unit="clips")
        clips[clip_id] = keep(made.path, f"{prefix}/{made.path}")
    job.progress("store")
    return keep(MASTER_NAME, f"{prefix}/master.mp4"), clips


def _made_by(order: Order, made: Rendered, seen: Verified, version: str) -> dict[str, object]:
    return {
        "tool": "ffmpeg",
        "version": version,
        "command": list(made.command),
        "block": made.block,
        "regions": len(order.regions),
        "verified": asdict(seen),
    }


@contextmanager
def _workspace(job: JobContext, source: Path, directory: Path) -> Iterator[Workspace]:
    with open_workspace(source, directory, _tools(job), DEFAULT_LIMITS, job.should_abort) as workspace:
        yield workspace


def _tools(job: JobContext) -> Tools:
    return find_tools({"CORDON_FFMPEG": job.settings.ffmpeg, "CORDON_FFPROBE": job.settings.ffprobe})


@contextmanager
def _translated() -> Iterator[None]:
    """The library's faults as the jobs know them; a refusal of the file stays one."""
    try:
        yield
    except ingest_errors.Unexplained as doubt:
        raise DoubtfulFault(str(doubt)) from doubt
    except (ingest_errors.MachineFault, OSError) as fault:
        raise MachineFault(str(fault)) from fault
    except ingest_errors.Cancelled as cancelled:
        raise JobAborted from cancelled


@task("redaction.sweep", cron="*/2 * * * *")
def sweep(job: JobContext) -> None:
    """Ends renderings whose job gave up."""
    sweeping.fail_abandoned(job.db)


@task("redaction.sweep_objects", cron="33 3 * * *")
def sweep_objects(job: JobContext) -> None:
    """Removes objects that crashed renderings left in the store."""
    sweeping.remove_strays(job.db, job.resource(Vault))
