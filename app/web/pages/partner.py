"""The partner's screens: what is granted, and how to fetch it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from app.authz.gate import requires
from app.authz.permissions import Permission
from app.core.clock import now
from app.core.http import current_identity, resource, transaction
from app.releases import queries
from app.releases.service import fetching
from app.settings import Settings

pages = Blueprint("partner", __name__)
PAGE = 50


@pages.get("/releases")
@requires(Permission.RELEASE_FETCH)
def releases() -> str:
    with transaction() as session:
        page = fetching.granted_releases(
            session, current_identity(), cursor=request.args.get("cursor"), limit=PAGE
        )
    return render_template("pages/partner_releases.html", page=page)


@pages.get("/fetching")
@requires(Permission.RELEASE_FETCH)
def how_to_fetch() -> str:
    """The commands, with this partner's own collections and the fingerprints to pin."""
    identity = current_identity()
    with transaction() as session:
        granted = (
            queries.granted_datasets(session, identity.organisation_id, now().date())
            if identity.organisation_id
            else []
        )
        repositories = [r for r in queries.all_repositories(session) if r.dataset_id in set(granted)]
    return render_template(
        "pages/partner_fetching.html", repositories=repositories, partner_url=resource(Settings).partner_url
    )
