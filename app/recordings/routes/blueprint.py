"""Where recordings stand, for all of their routes."""

from __future__ import annotations

from app.core.blueprint import Blueprint

blp = Blueprint(
    "recordings",
    __name__,
    url_prefix="/api/v1/recordings",
    description="Recordings and what was made of them",
)
