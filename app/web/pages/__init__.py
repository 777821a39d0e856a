"""One module a screen (or a few that belong together), each with its Flask blueprint `pages`."""

from __future__ import annotations

from flask import Blueprint

from app.web.pages import session

STAFF = (session.pages,)
PARTNER = (session.pages,)


def blueprints(surface: str) -> tuple[Blueprint, ...]:
    """The pages of one surface."""
    return PARTNER if surface == "partner" else STAFF
