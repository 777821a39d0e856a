"""Recordings over HTTP."""

from app.recordings.routes import derivations, recordings
from app.recordings.routes.blueprint import blp
from app.recordings.routes.recordings import checks_blp

__all__ = ["blp", "checks_blp", "derivations", "recordings"]
