"""Releases for the operator's people: how far each is, what it waits for, and the next step."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.releases import queries
from app.releases.online_keys import OnlineKeys
from app.releases.service import composing, publishing
from app.settings import Settings
from app.storage.vault import Vault
from app.web.forms import Form

pages = Blueprint("releases", __name__)
Answer = Response | str | tuple[str, int]
PAGE = 50


@pages.get("/releases")
@requires(Permission.RELEASE_READ)
def releases() -> Answer:
    with transaction() as session:
        page = composing.list_releases(
            session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE
        )
    return render_template("pages/releases.html", page=page)


@pages.get("/releases/<uuid:release_id>")
@requires(Permission.RELEASE_READ)
def one_release(release_id: UUID) -> Answer:
    return _page(release_id, Form(), 200)


def _page(release_id: UUID, form: Form, status: int) -> Answer:
    with transaction() as session:
        release = composing.get_release(session, current_identity(), release_id)
        targets = queries.targets_of(session, release_id)
        repository = queries.repository_of(session, release.dataset_id)
    return render_template(
        "pages/release.html",
        form=form,
        release=release,
        targets=targets,
        repository=repository,
        staff_url=resource(Settings).staff_url,
    ), status


@pages.post("/releases/<uuid:release_id>/request-sign-off")
@requires(Permission.RELEASE_BUILD)
def request_sign_off(release_id: UUID) -> Answer:
    form = Form()
    keys = OnlineKeys.from_settings(resource(Settings))
    with form.catching(), transaction() as session:
        composing.request_sign_off(session, current_identity(), keys, release_id=release_id)
    if not form.ok:
        return _page(release_id, form, 409)
    flash("Two approvers can sign it now.", "success")
    return redirect(f"/releases/{release_id}")


@pages.post("/releases/<uuid:release_id>/publish")
@requires(Permission.RELEASE_PUBLISH)
def publish(release_id: UUID) -> Answer:
    form = Form()
    keys = OnlineKeys.from_settings(resource(Settings))
    with form.catching(), transaction() as session:
        publishing.publish_release(session, current_identity(), keys, resource(Vault), release_id=release_id)
    if not form.ok:
        return _page(release_id, form, 409)
    flash("Published: partners with a grant can fetch it.", "success")
    return redirect(f"/releases/{release_id}")


@pages.get("/sign-off")
@requires(Permission.RELEASE_SIGN)
def sign_off() -> Answer:
    """What waits for this approver's signature, and how to give it."""
    identity = current_identity()
    with transaction() as session:
        page = queries.page_of_releases(
            session,
            dataset_ids=None,
            states=["awaiting_sign_off"],
            cursor=request.args.get("cursor"),
            limit=PAGE,
        )
        keys = [k for k in queries.approvers_keys(session) if k.person_id == identity.person_id]
    return render_template(
        "pages/sign_off.html", page=page, keys=keys, staff_url=resource(Settings).staff_url
    )
