"""The same file handed over again after it was withdrawn or refused: each of the two can be marked as an incident.

Revision: 7f3a9d25c610; created 2026-11-30 14:20:00.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7f3a9d25c610"
down_revision = "1c93d0be72f5"
branch_labels = None
depends_on = None

LIVE = "uq_recordings_organisation_id_sha256"


def upgrade() -> None:
    _unique_where("state IN ('processing', 'ready')")


def downgrade() -> None:
    """The older schema holds the same bytes once, in use or in quarantine: beside another, one that was marked after it
    was withdrawn or refused goes back there. Two were never in use at once."""
    op.execute(
        """
        UPDATE recordings SET state = marked.state_before
        FROM incidents AS marked
        WHERE marked.recording_id = recordings.id AND marked.outcome IS DISTINCT FROM 'cleared'
          AND recordings.state = 'quarantined' AND marked.state_before IN ('withdrawn', 'rejected')
          AND EXISTS (
            SELECT FROM recordings AS other
            WHERE other.organisation_id = recordings.organisation_id AND other.sha256 = recordings.sha256
              AND other.id <> recordings.id AND other.state IN ('processing', 'ready', 'quarantined')
          )
        """
    )
    _unique_where("state IN ('processing', 'ready', 'quarantined')")


def _unique_where(live: str) -> None:
    op.drop_index(LIVE, table_name="recordings")
    op.create_index(
        LIVE, "recordings", ["organisation_id", "sha256"], unique=True, postgresql_where=sa.text(live)
    )
