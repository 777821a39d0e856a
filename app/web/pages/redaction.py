"""The review of a redaction: proposals over the film, decisions, marks by hand, rendering and its result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.recordings import service as recordings
from app.recordings.models import Recording
from app.redaction import service
from app.redaction.models import Redaction
from app.redaction.regions import MAX_PROPOSALS
from app.redaction.routes import ledgers
from app.web.footage import Progress, progress_in_words
from app.web.forms import Form, read_form
from app.web.marking import DecideFormSchema, DrawFormSchema, RegionFormSchema, wanted_of
from app.web.pages.labelling import posted_version

pages = Blueprint("redaction", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 100


@dataclass(frozen=True, slots=True)
class Found:
    """What the page is about; `zero` is the PTS of the first frame, `uncovered` that from which on no proposal was
    kept."""

    recording: Recording
    redaction: Redaction | None
    progress: Progress | None
    zero: int
    uncovered: int | None

    def seconds(self, pts: int) -> float:
        """Seconds from the first frame, as a player counts them."""
        base = (self.recording.time_base_num or 0) / (self.recording.time_base_den or 1)
        return (pts - self.zero) * base


@pages.get("/recordings/<uuid:recording_id>/redaction")
@requires(Permission.RECORDING_READ)
def one_redaction(recording_id: UUID) -> Answer:
    return _page(recording_id, Form(), 200)


def _page(recording_id: UUID, form: Form, status: int) -> Answer:
    found = _find(recording_id)
    regions = found.redaction.regions if found.redaction else []
    asked = request.args.get("page", "")
    pages_ = max(1, -(-len(regions) // PAGE))
    page = min(pages_, max(1, int(asked))) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    return render_template(
        "pages/redaction.html",
        form=form,
        found=found,
        counts=dict.fromkeys(("pending", "accepted", "rejected"), 0) | Counter(r.decision for r in regions),
        regions=regions[(page - 1) * PAGE : page * PAGE],
        first=(page - 1) * PAGE,
        page=page,
        pages=pages_,
        seconds=found.seconds,
        most_proposals=f"{MAX_PROPOSALS:,}",
    ), status


def _find(recording_id: UUID) -> Found:
    with transaction() as session:
        identity = current_identity()
        redaction = service.newest(session, identity, recording_id)
        overview = recordings.get_overview(session, identity, recording_id)
        progress = None
        if redaction is None or redaction.state in ("approved", "rendering"):
            row = service.progress(session, recording_id)
            progress = progress_in_words(recordings.progress_of_job(session, row) if row else None)
        shown = redaction is not None and redaction.regions
        ledger = ledgers(session)(overview.recording) if shown else None
        zero = ledger.pts_of(0) if ledger else 0
        from_frame = redaction.uncovered_from if redaction else None
        uncovered = ledger.pts_of(from_frame) if ledger and from_frame is not None else None
        return Found(overview.recording, redaction, progress, zero, uncovered)


@pages.get("/recordings/<uuid:recording_id>/redaction/progress")
@requires(Permission.RECORDING_READ)
def progress(recording_id: UUID) -> Answer:
    """How far looking or rendering is; once it has ended the whole page is shown anew."""
    found = _find(recording_id)
    looking = found.redaction is None and found.progress is not None
    if not looking and (found.redaction is None or found.redaction.state not in ("approved", "rendering")):
        return make_response("", 200, {"HX-Refresh": "true"})
    return render_template(
        "partials/progress.html",
        recording=found.recording,
        progress=found.progress,
        progress_at=f"/recordings/{recording_id}/redaction/progress",
    )


@pages.post("/recordings/<uuid:recording_id>/redaction")
@requires(Permission.REDACTION_REVIEW)
def begin(recording_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        service.open_redaction(session, current_identity(), recording_id)
    return redirect(_address(recording_id)) if form.ok else _page(recording_id, form, 409)


@pages.post("/recordings/<uuid:recording_id>/redaction/proposals")
@requires(Permission.REDACTION_REVIEW)
def look(recording_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        service.request_proposals(session, current_identity(), recording_id)
    if not form.ok:
        return _page(recording_id, form, 409)
    flash("The recording is being looked through: come back in some minutes.", "success")
    return redirect(_address(recording_id))


@pages.post("/redactions/<uuid:redaction_id>/decide")
@requires(Permission.REDACTION_REVIEW)
def decide(redaction_id: UUID) -> Answer:
    form, data = read_form(DecideFormSchema)
    return _changing(redaction_id, form, service.decide_all, **data)


@pages.post("/redactions/<uuid:redaction_id>/regions/<uuid:region_id>")
@requires(Permission.REDACTION_REVIEW)
def region(redaction_id: UUID, region_id: UUID) -> Answer:
    form, data = read_form(RegionFormSchema)
    if form.ok and data["decision"] == "removed":
        return _changing(redaction_id, form, service.remove_region, region_id=region_id)
    return _changing(
        redaction_id, form, service.change_region, ledger=True, region_id=region_id, changes=data
    )


@pages.post("/redactions/<uuid:redaction_id>/regions")
@requires(Permission.REDACTION_REVIEW)
def draw(redaction_id: UUID) -> Answer:
    form, data = read_form(DrawFormSchema)
    with transaction() as session:
        redaction = service.find(session, current_identity(), redaction_id, Permission.REDACTION_REVIEW)
        ledger = ledgers(session)(redaction.recording)
    wanted = wanted_of(form, data, ledger) if form.ok else None
    return _changing(redaction_id, form, service.add_region, ledger=True, wanted=wanted)


@pages.post("/redactions/<uuid:redaction_id>/approve")
@requires(Permission.REDACTION_REVIEW)
def approve(redaction_id: UUID) -> Answer:
    return _changing(redaction_id, Form(), service.approve)


@pages.post("/redactions/<uuid:redaction_id>/cancel")
@requires(Permission.REDACTION_REVIEW)
def cancel(redaction_id: UUID) -> Answer:
    return _changing(redaction_id, Form(), service.cancel)


def _changing(redaction_id: UUID, form: Form, change: Any, *, ledger: bool = False, **values: Any) -> Answer:
    """Does one change of the service on the version that the form was made from, and shows the page again."""
    with transaction() as session:
        identity = current_identity()
        recording_id = service.find(session, identity, redaction_id, Permission.REDACTION_REVIEW).recording_id
    if form.ok:
        with form.catching(), transaction() as session:
            given = (session, identity, ledgers(session)) if ledger else (session, identity)
            change(*given, redaction_id=redaction_id, version=posted_version(), **values)
    return redirect(_address(recording_id)) if form.ok else _page(recording_id, form, 422)


def _address(recording_id: UUID) -> str:
    return f"/recordings/{recording_id}/redaction"
