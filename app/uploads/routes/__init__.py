"""Uploads over HTTP."""

from app.uploads.routes import status, views  # each adds its routes to the blueprint
from app.uploads.routes.blueprint import blp

__all__ = ["blp", "status", "views"]
