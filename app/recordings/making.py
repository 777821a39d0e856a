"""The work of derivations: what a job fetches, has the media library make, stores and makes count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

from app.jobs import DoubtfulFault, JobAborted, JobContext, MachineFault
from app.recordings import service
from app.recordings.ledger import load_ledger
from app.recordings.service.cutting import MakeOrder
from app.recordings.service.exporting import MAP_TYPE, StoredCopy
from app.settings import Settings
from app.storage.vault import Vault
from ingest import errors as ingest_errors
from ingest.concat import JOINED_NAME
from ingest.errors import Unexplained
from ingest.export import ExportProfile, export
from ingest.ffmpeg import Tools, find_tools, version_of
from ingest.frames import Ledger
from ingest.hashes import sha256_of
from ingest.joining import join
from ingest.profiles import DEFAULT_LIMITS, DEFAULT_PROFILE, Profile
from ingest.recut import recut
from ingest.signals.findings import SIGNALS_NAME, Findings
from ingest.workspace import open_workspace


def usual_profile(settings: Settings) -> Profile:
    """How recordings are derived and cut unless somebody asks otherwise."""
    return replace(DEFAULT_PROFILE, segments=DEFAULT_PROFILE.segments.with_length(settings.clip_seconds))


def join_parts(job: JobContext, derivation_id: UUID) -> None:
    """Joins originals and makes the joined file a recording."""
    with job.db.transaction() as session:
        order = service.begin_join(session, derivation_id, job_id=job.id)
    if order is None:
        return
    job.begin("derivation", order.sources[0].recording_id)
    vault = job.resource(Vault)
    with _faults_told_apart(job, derivation_id), service.job_directory(job.settings.work_dir) as directory:
        job.progress("fetch")
        paths = [directory / f"{number:04}" for number in range(len(order.sources))]
        for path, source in zip(paths, order.sources, strict=True):
            vault.fetch(source.key, source.blob_key, path, job.check)
        job.progress("join")
        names = [source.filename for source in order.sources]
        target = directory / JOINED_NAME
        found = join(
            paths,
            target,
            names=names,
            tools=_tools(job),
            limits=DEFAULT_LIMITS,
            should_stop=job.should_abort,
        )
        job.progress("store")
        stored = service.store_join(vault, order, target, found, job.attempt_key, job.check)
        with job.db.transaction() as session:
            job.confirm(session)
            service.commit_join(session, order, stored, job_id=job.id)
    service.remove_strays(job.db, vault, f"recordings/{derivation_id}/")  # if nothing came of it


def cut_anew(job: JobContext, derivation_id: UUID) -> None:
    """Cuts another set of clips of a recording's master."""
    with _making(job, derivation_id) as at:
        if at is None:
            return
        order, ledger, directory = at
        vault, profile = job.resource(Vault), usual_profile(job.settings)
        profile = replace(profile, segments=service.plan_of(order.parameters, profile.segments))
        findings = _findings(vault, order, directory, job.check)
        job.progress("segment")
        with open_workspace(
            directory / "master", directory, _tools(job), DEFAULT_LIMITS, job.should_abort
        ) as workspace:
            made = recut(workspace, ledger, findings, profile, sound=bool(order.recording.has_audio))
            for clip in made.clips:
                job.check()
                _keep(vault, order, workspace.path / clip.path, order.blob_key(job.attempt_key, clip.path))
        with job.db.transaction() as session:
            job.confirm(session)
            service.commit_cut(session, order, made, job.attempt_key, job_id=job.id)


def export_copy(job: JobContext, derivation_id: UUID) -> None:
    """Makes a copy at a constant frame rate, with its map."""
    with _making(job, derivation_id) as at:
        if at is None:
            return
        order, ledger, directory = at
        vault, tools = job.resource(Vault), _tools(job)
        profile = ExportProfile(Fraction(order.parameters["rate"]))
        copy = directory / "copy.mp4"
        job.progress("export")
        made = export(directory / "master", ledger, copy, profile, tools=tools, should_stop=job.should_abort)
        files = [
            _stored(vault, order, path, order.blob_key(job.attempt_key, path.name), name, kind)
            for path, name, kind in ((copy, "", "video/mp4"), (made.map, "-map", MAP_TYPE))
        ]
        made_by = {
            "tool": "ffmpeg",
            "version": version_of(tools.ffmpeg),
            "command": list(made.command),
            "parameters": {"rate": str(profile.rate), "crf": profile.crf, "preset": profile.preset},
        }
        with job.db.transaction() as session:
            job.confirm(session)
            service.commit_export(session, order, files, made_by, job_id=job.id)


@contextmanager
def _making(job: JobContext, derivation_id: UUID) -> Iterator[tuple[MakeOrder, Ledger, Path] | None]:
    """A request to carry out, the recording's ledger, and a directory with its master; None when there is none left."""
    vault = job.resource(Vault)
    with job.db.transaction() as session:
        order = service.begin_making(session, derivation_id, job_id=job.id)
        ledger = load_ledger(vault, session, order.recording) if order else None
    if order is None or ledger is None:
        yield None
        return
    job.begin("derivation", order.recording.id)
    with _faults_told_apart(job, derivation_id), service.job_directory(job.settings.work_dir) as directory:
        job.progress("fetch")
        vault.fetch(order.key, order.master, directory / "master", job.check)
        yield order, ledger, directory
    service.remove_strays(job.db, vault, f"recordings/{order.recording.id}/")


@contextmanager
def _faults_told_apart(job: JobContext, derivation_id: UUID) -> Iterator[None]:
    """What the footage does not allow ends the request with its reason; the machine's faults are tried again later."""
    try:
        yield
    except ingest_errors.FileRejected as refused:
        with job.db.transaction() as session:
            job.confirm(session)
            service.refuse_derivation(session, derivation_id, job.id, refused.reason_code, refused.message)
    except ingest_errors.Unexplained as doubt:
        raise DoubtfulFault(str(doubt)) from doubt
    except (ingest_errors.MachineFault, OSError) as fault:
        raise MachineFault(str(fault)) from fault
    except ingest_errors.Cancelled as cancelled:
        raise JobAborted from cancelled


def _findings(vault: Vault, order: MakeOrder, directory: Path, check: Callable[[], None]) -> Findings:
    if order.signals is None:
        raise Unexplained(f"recording {order.recording.id} has no findings to cut by")
    vault.fetch(order.key, order.signals, directory / SIGNALS_NAME, check)
    return Findings.from_json((directory / SIGNALS_NAME).read_text())


def _tools(job: JobContext) -> Tools:
    return find_tools({"CORDON_FFMPEG": job.settings.ffmpeg, "CORDON_FFPROBE": job.settings.ffprobe})


def _keep(vault: Vault, order: MakeOrder, path: Path, blob_key: str) -> int:
    with path.open("rb") as file:
        return vault.write(order.key, blob_key, file)


def _stored(
    vault: Vault, order: MakeOrder, path: Path, blob_key: str, name: str, media_type: str
) -> StoredCopy:
    size = _keep(vault, order, path, blob_key)
    return StoredCopy(name, blob_key, media_type, size, bytes.fromhex(sha256_of(path)))
