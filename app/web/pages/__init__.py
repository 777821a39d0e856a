"""One module a screen (or a few that belong together), each with its Flask blueprint `pages`."""

from __future__ import annotations

from flask import Blueprint

from app.web.pages import (
    account,
    api_docs,
    custody,
    datasets,
    deriving,
    details,
    exercises,
    labelling,
    log,
    operation,
    papers,
    partner,
    partners,
    people,
    recordings,
    redaction,
    releases,
    review,
    session,
)

STAFF = (
    session.pages,
    account.pages,
    people.pages,
    operation.pages,
    exercises.pages,
    recordings.pages,
    deriving.pages,
    details.pages,
    redaction.pages,
    custody.pages,
    papers.pages,
    labelling.pages,
    review.pages,
    datasets.pages,
    releases.pages,
    partners.pages,
    log.pages,
    api_docs.pages,
)
PARTNER = (session.pages, account.pages, partner.pages, api_docs.pages)


def blueprints(surface: str) -> tuple[Blueprint, ...]:
    """The pages of one surface."""
    return PARTNER if surface == "partner" else STAFF
