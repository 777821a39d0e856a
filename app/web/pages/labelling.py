"""The annotator's screens: the queue of clips, and the workbench that shows one."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from app.annotation import service
from app.annotation.models import Assignment
from app.annotation.schemas import IncidentReportSchema
from app.annotation.taxonomy import KIND_OF_SECTION, in_order
from app.authz.gate import requires
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.core.identity import Identity
from app.web.forms import Form, read_form

pages = Blueprint("labelling", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50
WORKABLE = ("open", "in_progress", "returned")


@pages.get("/queue")
@requires(Permission.ANNOTATE)
def queue() -> Answer:
    with transaction() as session:
        identity = current_identity()
        page = service.list_own(session, identity, cursor=request.args.get("cursor"), limit=PAGE)
        waiting = service.clips_waiting(session, identity)
    return render_template("pages/queue.html", page=page, waiting=waiting, workable=WORKABLE)


@pages.post("/queue/next")
@requires(Permission.ANNOTATE)
def take_next() -> Answer:
    """Opens the person's unfinished clip, or the next that waits."""
    try:
        with transaction() as session:
            assignment = service.take_next(session, current_identity())
    except service.NothingToLabel:
        flash("No clip is waiting just now. New ones come as soon as footage is ready.", "information")
        return redirect("/queue")
    return redirect(f"/assignments/{assignment.id}")


@pages.get("/assignments/<uuid:assignment_id>")
@requires(Permission.CLIP_VIEW)
def one_assignment(assignment_id: UUID) -> Answer:
    return workbench_page(assignment_id, Form(), 200)


@pages.post("/assignments/<uuid:assignment_id>/submit")
@requires(Permission.ANNOTATE)
def submit(assignment_id: UUID) -> Answer:
    """The page's script has saved every label before it sends this form."""
    form = Form()
    with form.catching(), transaction() as session:
        service.submit(session, current_identity(), assignment_id=assignment_id, version=posted_version())
    if not form.ok:
        return workbench_page(assignment_id, form, 409)
    flash("Submitted. Somebody else reviews it now.", "success")
    return redirect("/queue")


@pages.post("/assignments/<uuid:assignment_id>/incident")
@requires(Permission.INCIDENT_REPORT)
def report_incident(assignment_id: UUID) -> Answer:
    """After this the clip is out of the reporter's own sight, too."""
    form, data = read_form(IncidentReportSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            service.report(session, current_identity(), assignment_id, reason=data["reason"])
    if not form.ok:
        return workbench_page(assignment_id, form, 422)
    flash("Reported. Nobody but officers of its force sees it any more, and they are told.", "success")
    return redirect("/queue" if permits(current_identity(), Permission.ANNOTATE) else "/review")


def posted_version() -> int:
    """The version that the form was filled from; 0, which no assignment has, for anything else."""
    raw = request.form.get("version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0


def workbench_page(assignment_id: UUID, form: Form, status: int) -> Answer:
    """The workbench: to label for its annotator while the work is theirs, to read for everyone else."""
    with transaction() as session:
        identity = current_identity()
        assignment = service.get_assignment(session, identity, assignment_id)
    own = assignment.person_id == identity.person_id
    return render_template(
        "pages/workbench.html",
        form=form,
        assignment=assignment,
        sections={name: in_order(assignment.task.taxonomy.definition, name) for name in KIND_OF_SECTION},
        own=own,
        editable=own and assignment.state in WORKABLE and permits(identity, Permission.ANNOTATE),
        reviewable=_reviewable(identity, assignment),
    ), status


def _reviewable(identity: Identity, assignment: Assignment) -> bool:
    return assignment.state == "submitted" and permits(identity, Permission.REVIEW)
