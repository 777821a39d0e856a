"""What the feature needs in an empty database: `cordon init` finds this module by its name."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.annotation.service import ensure_taxonomy


def seed(session: Session) -> None:
    """Writes the first taxonomy unless it is there."""
    ensure_taxonomy(session)
