"""Uploads over HTTP."""

from app.uploads.routes.views import blp

__all__ = ["blp"]
