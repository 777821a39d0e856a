"""One's own account: who the service takes one for, and the keys one signs with."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.service import list_signing_keys
from app.authz.gate import requires
from app.authz.permission_map import permits
from app.authz.permissions import Permission
from app.core.http import current_identity, resource, transaction
from app.settings import Settings

pages = Blueprint("account", __name__)


@pages.get("/account")
@requires(Permission.SELF)
def account() -> str:
    identity = current_identity()
    keys = []
    signs = permits(identity, Permission.SIGNING_KEY_REGISTER)
    if signs:
        with transaction() as session:
            keys = list_signing_keys(session, identity)
    settings = resource(Settings)
    return render_template(
        "pages/account.html",
        signs=signs,
        keys=keys,
        staff_url=settings.staff_url,
        partner_url=settings.partner_url,
    )
