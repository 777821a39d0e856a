"""Releases over HTTP, for each of the two surfaces."""

from app.releases.routes.partner import blp as partner_releases
from app.releases.routes.partner import tuf_blp
from app.releases.routes.staff import collections_blp, grants_blp, releases_blp

staff_blueprints = (collections_blp, releases_blp, grants_blp)
partner_blueprints = (partner_releases, tuf_blp)

__all__ = ["partner_blueprints", "staff_blueprints"]
