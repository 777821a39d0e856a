"""Accounts over HTTP: the token endpoint, oneself, and the administrator's directory."""

from __future__ import annotations

from app.accounts.routes import directory, me, oauth
from app.accounts.service import Surface
from app.core.blueprint import Blueprint


def blueprints(surface: Surface) -> list[Blueprint]:
    """A partner's surface can prove who one is, and no more."""
    both = [oauth.blp, me.activation_blp, me.blp]
    if surface == "partner":
        return both
    return [*both, me.keys_blp, directory.organisations_blp, directory.people_blp, directory.clients_blp]
