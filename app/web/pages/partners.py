"""Agreements and grants: proposed by release managers, decided by two approvers."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from app.accounts.queries import active_organisations
from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, transaction
from app.datasets.queries import page_of_datasets
from app.partners import service
from app.partners.schemas import AgreementCreateSchema
from app.partners.vocabulary import PURPOSES, TRANSFER_GROUNDS
from app.releases.schemas import GrantCreateSchema, RevokeSchema
from app.releases.service import grants
from app.web.forms import Form, read_form

pages = Blueprint("partners", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50


@pages.get("/partners")
@requires(Permission.AGREEMENT_READ)
def partners() -> Answer:
    """Agreements and grants, newest first."""
    identity = current_identity()
    with transaction() as session:
        agreements = service.list_agreements(session, identity, cursor=request.args.get("cursor"), limit=PAGE)
        granted = grants.list_grants(session, identity, cursor=request.args.get("grants"), limit=PAGE)
    return render_template("pages/partners.html", agreements=agreements, grants=granted)


@pages.get("/agreements/new")
@requires(Permission.AGREEMENT_PROPOSE)
def new_agreement() -> Answer:
    return _agreement_form(Form(), 200)


@pages.post("/agreements/new")
@requires(Permission.AGREEMENT_PROPOSE)
def propose_agreement() -> Answer:
    form, data = read_form(AgreementCreateSchema, lists=("purposes",))
    if form.ok:
        with form.catching(), transaction() as session:
            service.propose_agreement(session, current_identity(), **data)
    if not form.ok:
        return _agreement_form(form, 422)
    flash("The agreement is proposed: two approvers decide.", "success")
    return redirect("/partners")


def _agreement_form(form: Form, status: int) -> Answer:
    with transaction() as session:
        choices = [(str(o.id), o.name) for o in active_organisations(session, "partner")]
    return render_template(
        "pages/agreement_new.html",
        form=form,
        organisations=choices,
        purposes=list(PURPOSES.items()),
        grounds=list(TRANSFER_GROUNDS.items()),
    ), status


@pages.post("/agreements/<uuid:agreement_id>/approve")
@requires(Permission.AGREEMENT_APPROVE)
def approve_agreement(agreement_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        service.approve_agreement(session, current_identity(), agreement_id)
    flash(form.errors.get("", "Your approval is recorded."), "success" if form.ok else "error")
    return redirect("/partners")


@pages.get("/grants/new")
@requires(Permission.GRANT_PROPOSE)
def new_grant() -> Answer:
    return _grant_form(Form(), 200)


@pages.post("/grants/new")
@requires(Permission.GRANT_PROPOSE)
def request_grant() -> Answer:
    form, data = read_form(GrantCreateSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            grants.request_grant(session, current_identity(), **data)
    if not form.ok:
        return _grant_form(form, 422)
    flash("The grant is asked for: two approvers decide.", "success")
    return redirect("/partners")


def _grant_form(form: Form, status: int) -> Answer:
    identity = current_identity()
    with transaction() as session:
        agreements = service.list_agreements(session, identity, limit=200).items
        datasets = page_of_datasets(session, cursor=None, limit=200).items
    active = [(str(a.id), f"{a.organisation.name}, {a.reference}") for a in agreements if a.state == "active"]
    return render_template(
        "pages/grant_new.html",
        form=form,
        agreements=active,
        datasets=[(str(d.id), d.name) for d in datasets],
        purposes=list(PURPOSES.items()),
    ), status


@pages.post("/grants/<uuid:grant_id>/approve")
@requires(Permission.GRANT_APPROVE)
def approve_grant(grant_id: UUID) -> Answer:
    form = Form()
    with form.catching(), transaction() as session:
        grants.approve_grant(session, current_identity(), grant_id=grant_id)
    flash(form.errors.get("", "Your approval is recorded."), "success" if form.ok else "error")
    return redirect("/partners")


@pages.post("/grants/<uuid:grant_id>/revoke")
@requires(Permission.GRANT_PROPOSE)
def revoke_grant(grant_id: UUID) -> Answer:
    form, data = read_form(RevokeSchema)
    if form.ok:
        with form.catching(), transaction() as session:
            grants.revoke_grant(session, current_identity(), grant_id=grant_id, **data)
    text = "The grant is revoked." if form.ok else f"Not revoked: {next(iter(form.errors.values()))}"
    flash(text, "success" if form.ok else "error")
    return redirect("/partners")
