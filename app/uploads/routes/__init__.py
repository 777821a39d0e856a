"""Uploads over HTTP."""

from app.uploads.routes import status, views  # each adds its routes to the blueprint
from app.uploads.routes.blueprint import blp
from app.uploads.routes.direct import blp as direct_blp

__all__ = ["blp", "direct_blp", "status", "views"]
