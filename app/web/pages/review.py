"""The reviewer's screens: submitted work of others, the decision on it, and every task there is."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from marshmallow import EXCLUDE
from werkzeug.wrappers import Response

from app.annotation import service
from app.annotation.schemas import ReturnSchema
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.web.forms import Form, read_form
from app.web.pages.labelling import posted_version, workbench_page

pages = Blueprint("review", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50
TASK_STATES = ("open", "labelled")


class ReturnFormSchema(ReturnSchema):
    """The reason, beside what the form carries along."""

    class Meta:
        unknown = EXCLUDE


@pages.get("/review")
@requires(Permission.REVIEW)
def review() -> Answer:
    with transaction() as session:
        identity = current_identity()
        page = service.list_assignments(
            session, identity, states=["submitted"], cursor=request.args.get("cursor"), limit=PAGE
        )
        own = [a for a in service.list_own(session, identity, limit=200).items if a.state == "submitted"]
    return render_template("pages/review.html", page=page, own=own)


@pages.post("/assignments/<uuid:assignment_id>/accept")
@requires(Permission.REVIEW)
def accept(assignment_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        service.accept(session, current_identity(), assignment_id=assignment_id, version=posted_version())
    if not form.ok:
        return workbench_page(assignment_id, form, 409)
    flash("Accepted: these are the clip's labels now.", "success")
    return redirect("/review")


@pages.post("/assignments/<uuid:assignment_id>/return")
@requires(Permission.REVIEW)
def send_back(assignment_id: UUID) -> Answer:
    form, data = read_form(ReturnFormSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            service.send_back(
                session,
                current_identity(),
                assignment_id=assignment_id,
                version=posted_version(),
                reason=data["reason"],
            )
    if not form.ok:
        return workbench_page(assignment_id, form, 422)
    flash("Sent back to its annotator with your reason.", "success")
    return redirect("/review")


@pages.get("/tasks")
@requires(Permission.TASK_READ)
def tasks() -> Answer:
    state = request.args.get("state") if request.args.get("state") in TASK_STATES else None
    with transaction() as session:
        identity = current_identity()
        page = service.list_tasks(
            session, identity, state=state, cursor=request.args.get("cursor"), limit=PAGE
        )
        counts = service.task_counts(session, identity)
    return render_template("pages/tasks.html", page=page, counts=counts, state=state)
