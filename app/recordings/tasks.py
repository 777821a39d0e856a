"""Jobs of recordings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import UUID

from app.jobs import DoubtfulFault, JobAborted, JobContext, MachineFault, Superseded, task
from app.recordings import making, service
from app.recordings.service import KeptSteps
from app.storage.vault import Vault
from app.uploads.service import Staging
from ingest import errors as ingest_errors
from ingest.ffmpeg import find_tools
from ingest.pipeline import Notifier, Progress, fingerprint_of, finish
from ingest.profiles import DEFAULT_LIMITS
from ingest.steps import Work, do_plan, do_step, step_names
from ingest.suggestion import read_suggestion
from ingest.workspace import open_workspace

# A full disk or a store that is away may last for a weekend: the job waits, ten minutes at a time, until it is over or
# somebody stops it. Any other fault of the machine is tried for about ten hours, and what is doubtful ends sooner.
PATIENCE = None


@task("recordings.register")
def register(job: JobContext, *, upload_id: UUID) -> None:
    """Turns a verified upload into an encrypted recording."""
    service.register(
        job.db,
        job.resource(Vault),
        Staging(job.settings.uploads_dir),
        upload_id,
        job_id=job.id,
        attempt_key=job.attempt_key,
        check=job.check,
    )


@task("recordings.normalise", max_attempts=PATIENCE)
def normalise(job: JobContext, *, recording_id: UUID) -> None:
    """Looks at an original and has the work on it done, in steps, by whichever workers there are."""
    job.begin("recording", recording_id)
    with _working(job, recording_id, "plan") as at:
        if at is None:
            return
        plan = do_plan(at.work)
        with job.db.transaction() as session:
            job.confirm(session)
            service.open_steps(session, recording_id, at.work, plan, at.kept)


@task("recordings.encode", max_attempts=PATIENCE)
def encode(job: JobContext, *, recording_id: UUID, step: str) -> None:
    """Does one step: codes a chunk of the pictures, or the sound."""
    job.begin("recording", recording_id)
    with _working(job, recording_id, "encode") as at:
        if at is None:
            return
        wanted = at.work.step(step)
        with job.db.transaction() as session:
            if not service.is_open(session, recording_id, wanted):
                service.replan_if_stale(session, recording_id, wanted)
                return
        plan = do_plan(at.work)
        frames = plan.frames_of(step)
        do_step(at.work, plan, step, lambda done: job.progress("encode", done, frames, "frames"))
        with job.db.transaction() as session:
            job.confirm(session)
            service.note_done(session, recording_id, wanted, at.kept)


@task("recordings.assemble", max_attempts=PATIENCE)
def assemble(job: JobContext, *, recording_id: UUID) -> None:
    """Joins what the steps left, and makes it count exactly once."""
    job.begin("recording", recording_id)
    vault = job.resource(Vault)
    with _working(job, recording_id, "assemble") as at:
        if at is None:
            return
        with job.db.transaction() as session:
            job.confirm(session)
            attempt = service.begin_attempt(session, recording_id)
        if attempt is None:
            return
        try:
            plan = do_plan(at.work)
            made = {name: do_step(at.work, plan, name) for name in step_names(plan)}
            report = finish(at.work, plan, made, Notifier(lambda now: _report(job, now), job.should_abort))
            job.progress("store")
            hashes = fingerprint_of(at.work.workspace.path, report)
            service.store_outputs(vault, attempt, at.work.workspace.path, report, job.check)
            with job.db.transaction() as session:
                job.confirm(session)
                told = read_suggestion(at.work.workspace.path)
                service.commit_outputs(session, attempt, report, hashes, told)
        except Superseded:
            service.remove_strays(job.db, vault, f"{attempt.prefix}/")
            raise
    service.remove_strays(job.db, vault, f"recordings/{recording_id}/")


@dataclass(frozen=True, slots=True)
class _At:
    """A recording under work in this job: what the library needs, and where its steps are kept."""

    work: Work
    kept: KeptSteps


@contextmanager
def _working(job: JobContext, recording_id: UUID, step: str) -> Iterator[_At | None]:
    """Opens a recording for work; None when nothing is left to do. A refusal of the file ends the block quietly."""
    with job.db.transaction() as session:
        processing = service.processing_of(session, recording_id)
    if processing is None:
        service.remove_idle(job.settings.work_dir, recording_id)
        yield None
        return
    job.progress(step)
    settings, vault = job.settings, job.resource(Vault)
    with _faults_told_apart(job, recording_id), ExitStack() as stack:
        service.remove_idle(settings.work_dir)
        stack.callback(service.remove_idle, settings.work_dir)  # however it ends, it leaves one more
        directory = stack.enter_context(service.job_directory(settings.work_dir))
        source = stack.enter_context(
            service.hold_original(
                settings.work_dir, vault, processing.key, recording_id, processing.original, job.check
            )
        )
        tools = find_tools({"CORDON_FFMPEG": settings.ffmpeg, "CORDON_FFPROBE": settings.ffprobe})
        workspace = stack.enter_context(
            open_workspace(source, directory, tools, DEFAULT_LIMITS, job.should_abort)
        )
        kept = KeptSteps(job.db, vault, processing, job.attempt_key, job.check)
        yield _At(Work(workspace, processing.sha256, making.usual_profile(settings), kept), kept)
    with job.db.transaction() as session:  # ended here or by another job: nobody needs the original again
        ended = service.processing_of(session, recording_id) is None
    if ended:
        service.remove_idle(settings.work_dir, recording_id)


@contextmanager
def _faults_told_apart(job: JobContext, recording_id: UUID) -> Iterator[None]:
    """The file's faults reject the recording; the machine's, a full disk among them, are tried again later."""
    try:
        yield
    except ingest_errors.FileRejected as refused:
        with job.db.transaction() as session:
            job.confirm(session)
            service.refuse(session, recording_id, refused.reason_code, refused.message)
        service.remove_strays(job.db, job.resource(Vault), f"recordings/{recording_id}/")
    except ingest_errors.Unexplained as doubt:
        raise DoubtfulFault(str(doubt)) from doubt
    except (ingest_errors.MachineFault, OSError) as fault:
        raise MachineFault(str(fault)) from fault
    except (ingest_errors.Cancelled, JobAborted) as stopped:
        service.remove_idle(job.settings.work_dir, recording_id)
        raise JobAborted from stopped


def _report(job: JobContext, at: Progress) -> None:
    job.progress(at.stage, done=round(100 * at.fraction, 1), total=100, unit="%")


@task("recordings.join", max_attempts=PATIENCE)
def join(job: JobContext, *, derivation_id: UUID) -> None:
    """Joins the parts of one recording."""
    making.join_parts(job, derivation_id)


@task("recordings.cut", max_attempts=PATIENCE)
def cut(job: JobContext, *, derivation_id: UUID) -> None:
    """Cuts a recording anew."""
    making.cut_anew(job, derivation_id)


@task("recordings.export", max_attempts=PATIENCE)
def export(job: JobContext, *, derivation_id: UUID) -> None:
    """Copies a recording at a constant frame rate."""
    making.export_copy(job, derivation_id)


@task("recordings.compare")
def compare(job: JobContext, *, recording_id: UUID) -> None:
    """Finds which other recordings hold the same footage."""
    with job.db.transaction() as session:
        service.find_duplicates(session, recording_id, job.check)


@task("recordings.sweep", cron="*/2 * * * *")
def sweep(job: JobContext) -> None:
    """Ends what cannot end by itself and removes the directories of dead workers."""
    service.fail_abandoned(job.db)
    service.fail_abandoned_derivations(job.db)
    service.compare_again(job.db)
    service.remove_abandoned(job.settings.work_dir)
    service.remove_idle(job.settings.work_dir)


@task("recordings.sweep_objects", cron="23 3 * * *")
def sweep_objects(job: JobContext) -> None:
    """Removes objects that crashed attempts left in the store."""
    service.remove_strays(job.db, job.resource(Vault))
