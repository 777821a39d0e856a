"""Uploads over HTTP."""

from app.uploads.routes.direct import blp as direct_blp
from app.uploads.routes.views import blp

__all__ = ["blp", "direct_blp"]
